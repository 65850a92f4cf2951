"""What is sold: providers, their regions, offers and their prices, and what moving data costs.

Not here: what is needed (``demand``), and what was agreed about it (``contract``, ``terms``).
"""
