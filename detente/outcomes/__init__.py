"""What something is worth: exact re-solves of one program, through a study, and what they tell.

Here live the price of each clause, the leverage of each provider, and the values that say so. Not here: how a program
is kept open and solved again (``planner.study``), and how answers are shown (``report``). No formula stands for a
re-solve, and no amount without the two between which it is proven to lie.
"""
