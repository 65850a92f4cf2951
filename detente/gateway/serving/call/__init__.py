"""One call from its decision to its record: whom it is asked of, what comes back, what its caller is told."""
