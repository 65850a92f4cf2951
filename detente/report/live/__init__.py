"""Live calls, keys and replayed traffic, in words, on a terminal and for programs."""
