"""The paths that callers use, one a file: what each accepts, refuses and answers."""
