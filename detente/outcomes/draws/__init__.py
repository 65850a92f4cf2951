"""What could go wrong: random draws of outages, demand, prices and events, and who makes them."""
