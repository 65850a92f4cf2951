"""From a case to a program: columns, rows and their owners. Nothing here knows the solver."""
