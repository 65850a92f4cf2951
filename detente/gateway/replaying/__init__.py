"""Traffic replayed: calls of a file through admission, choice and settlement. No network, and no callers."""
