"""What a dealer ordered for an end customer, when that is one no more."""
