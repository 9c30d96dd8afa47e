"""What a test clock brings when it moves: everything that is due at one organization, in order."""
