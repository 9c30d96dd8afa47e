"""A software vendor of its own, as the marketplace meets one. Shares nothing with the marketplace but the protocol."""
