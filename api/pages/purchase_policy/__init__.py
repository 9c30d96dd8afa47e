"""Who decides purchases in which order, and what may be bought at all."""
