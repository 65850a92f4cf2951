"""Providers' bills beside the books: read, put on them, held against them, and written as FOCUS files."""
