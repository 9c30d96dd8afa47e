"""Stripe on this machine: what the product calls of it, over real HTTP, for tests and `market demo --gateway stripe`."""
