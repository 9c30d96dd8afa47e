"""Communities: who founded one, who is in it, and what its members write to each other."""
