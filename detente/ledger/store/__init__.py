"""The database: its tables, the kinds that there are, and the chain of hashes over what is written."""
