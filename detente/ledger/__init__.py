"""The record of what was served: journals now; postings and statements later."""
