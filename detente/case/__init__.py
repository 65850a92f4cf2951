"""A case: the files that declare it, read with every mistake at once, and the questions asked of it.

Not here: what fits a noun by itself (its own class), and what a plan makes of it (``planner``).
"""
