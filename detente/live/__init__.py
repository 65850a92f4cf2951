"""What live traffic declares: deployments, keys, credentials, limits, faults, and one call as clauses see it.

Values only. Not here: serving them (``gateway``), and the bytes of a provider (``providers``).
"""
