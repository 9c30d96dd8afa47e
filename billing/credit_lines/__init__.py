"""How much buyers may owe the platform for what they bought on account: lines, what is held of them, and who decides."""
