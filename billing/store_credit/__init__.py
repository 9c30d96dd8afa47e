"""What buyers have in hand with sellers instead of money: given by refunds, used by payments, paid back at the end."""
