"""Which way out: what is ours to choose, under each outcome of what is uncertain."""
