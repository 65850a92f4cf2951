"""The record of what was served: journals, books, statements and proof."""
