"""Organizations whose members sign in by a provider of their own (OpenID Connect)."""
