"""Live sessions: what runs and is ahead, the room, and the host's side of it."""
