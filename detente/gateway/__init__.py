"""Live traffic: admit and choose (pure), relay (the only I/O), and the surfaces that callers see."""
