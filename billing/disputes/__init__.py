"""Disputes: a payer's bank has taken a payment back until it is decided who was right."""
