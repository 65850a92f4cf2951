"""What a worker may use of caps: leased, held, counted, and told when nearly used up."""
