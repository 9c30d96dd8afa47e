"""How reliably a seller delivers, and how the feed is ordered."""
