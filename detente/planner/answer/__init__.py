"""From values to an answer: the exact bill, what became of each clause and why; or what collides."""
