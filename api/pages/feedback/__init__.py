"""What customers say of a product, and what is asked about it."""
