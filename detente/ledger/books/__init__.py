"""The books: entries, what is put on them, and what they say of clauses and parties."""
