"""What a clause speaks of: which use, in which windows, when it is in force, and what it says of one place.

Not here: how much of it there was (``contract.metered``).
"""
