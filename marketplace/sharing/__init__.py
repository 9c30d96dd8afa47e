"""Links by which members send on videos, products and channels: whose they are, and what they open."""
