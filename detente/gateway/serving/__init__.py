"""The only rooms that act: a call from its first byte to its record, a worker, and several of them."""
