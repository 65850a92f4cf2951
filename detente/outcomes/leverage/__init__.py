"""Who needs whom more: what losing a provider costs us, and it."""
