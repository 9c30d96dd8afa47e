"""Reporting what does not belong here, and the platform's desk for it."""
