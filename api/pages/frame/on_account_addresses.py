"""Addresses of purchases on account: the buyer's page, and the operators' desk."""

OWN = "/on-account"
OPERATOR = "/operator/on-account"


def letter(notice_id: object, locale: str, *, of_all: bool) -> str:
    """A letter as PDF: a buyer's own, or, for the operator, anybody's."""
    return f"/v1/{'operator/' if of_all else ''}dunning-notices/{notice_id}/pdf?locale={locale}"


def line(line_id: object, act: str) -> str:
    """Where what is decided of a line posts: ``decline`` or ``close``."""
    return f"{OPERATOR}/{line_id}/{act}"
