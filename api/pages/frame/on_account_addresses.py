"""Addresses of purchases on account: the buyer's page, and the operators' desk."""

OWN = "/on-account"
OPERATOR = "/operator/on-account"


def line(line_id: object, act: str) -> str:
    """Where what is decided of a line posts: ``decline`` or ``close``."""
    return f"{OPERATOR}/{line_id}/{act}"
