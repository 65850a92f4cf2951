"""Answers as values: a plan, a conflict. Frozen, saved with the hash of their case.

Not here: how they are found (``planner``), and how they are shown (``report``).
"""
