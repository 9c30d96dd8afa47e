"""Money that buyers send by bank transfer: what is expected, what statements say came, and what goes back."""
