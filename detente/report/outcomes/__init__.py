"""What clauses, providers, deals and choices are worth, and what could go wrong, in words and on a terminal."""
