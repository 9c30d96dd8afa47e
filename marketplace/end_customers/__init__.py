"""For whom dealers order: organizations that confirmed that a dealer buys for them."""
