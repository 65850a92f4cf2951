"""What a worker does beside calls, each in its own thread: it reads books and keys, fetches secrets, tells people."""
