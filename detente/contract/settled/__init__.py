"""What settling ends in: postings, and where a clause stands window by window.

Not here: how a commitment gets there (``contract.amounts``), and all clauses settled together (``contract.settling``).
"""
