"""A seller's funnel."""
