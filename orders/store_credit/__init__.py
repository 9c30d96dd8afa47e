"""Credit that buyers have with sellers, as both sides see it, and how it becomes money again."""
