"""What a clause may say and see: scopes, use, postings, and the base of all kinds of clause.

Not here: any one kind (``terms``), and which clauses are in force when (``case.agreement``).
"""
