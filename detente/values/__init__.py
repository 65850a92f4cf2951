"""Numbers with units, exact money, time, places and tables: what every other room counts in.

Here: values that mean the same in any contract and any market. Not here: anything that is bought, needed or agreed.
"""
