"""Payment on account: delivered at once, owed until the buyer's bank transfer has come."""
