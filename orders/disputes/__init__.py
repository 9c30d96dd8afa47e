"""Cases of disputed payments: what the sides say and show, and what the bank is told of it."""
