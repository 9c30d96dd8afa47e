"""What is to be invoiced."""
