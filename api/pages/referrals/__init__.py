"""The link by which an organization brings others: its own page, and the one that whoever opens it reads."""
