"""Sales that wait for their buyers' payments."""
