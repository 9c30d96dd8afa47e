"""The books beside the gateway's own: what it kept for itself, what it exchanged, and whether both say the same."""
