"""Kept payment methods as a buyer uses them: what goes on being paid by which."""
