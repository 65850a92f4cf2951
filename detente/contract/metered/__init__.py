"""Use, counted: what a clause measures, and exact running totals of it.

Not here: what it costs (``contract.rated``), and what is owed for it (``contract.settled``).
"""
