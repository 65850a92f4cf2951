"""Amounts that are agreed on: what counts towards one, what is carried, deferred, prepaid or made up for.

Each states its rule twice, over a plan's columns and over exact totals. Not here: the clauses that use them.
"""
