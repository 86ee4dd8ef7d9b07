"""What to do about a fault, as user and administrator want it."""
