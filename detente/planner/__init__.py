"""From a case to a plan, in three rooms, each built on the one before.

``formulation`` turns a case into a program, ``solving`` finds values and a bound for it, ``answer`` reads them as a
plan: its exact bill, its reasons, its conflicts. Not here: what a clause says (``terms``).
"""
