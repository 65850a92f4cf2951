"""Journals: files that workers append to, the records in them, and how far they were read."""
