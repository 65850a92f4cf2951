"""HTTP/1.1 as the gateway serves it: requests in, replies out. Not here: what any path means."""
