"""What halls brought: the report of an organizer, and of each exhibitor."""
