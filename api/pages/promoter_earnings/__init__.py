"""Who of an organization that promotes brought what."""
