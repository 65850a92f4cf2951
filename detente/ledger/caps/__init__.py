"""Caps that are kept live: what a call takes of each, and the leases by which replicas share them."""
