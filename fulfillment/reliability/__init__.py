"""How reliably a listing is delivered, what buyers are shown of it, and what follows from failing."""
