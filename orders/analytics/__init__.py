"""What a seller's videos came to: from what was seen to what is kept and paid, by day, and what becomes of its customers."""
