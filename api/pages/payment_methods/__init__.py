"""Pages of the payment methods that are kept for an organization."""
