"""Plans in words and on a terminal: the answer, the bill, why, and why two differ."""
