"""The figures of saved answers: each with an address, what it is, its formula, and what goes into it."""
