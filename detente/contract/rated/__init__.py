"""What use costs: the list price, and what price clauses take off it.

Not here: list prices (``market``), and how several price clauses combine (``contract.combining``).
"""
