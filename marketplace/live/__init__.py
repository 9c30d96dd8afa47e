"""Live sessions of channels: when they are, what is on their shelf, and what is explained at the moment."""
