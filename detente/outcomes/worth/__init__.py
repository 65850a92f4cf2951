"""What clauses are worth: what the plan would save without one, and with another number in it."""
