"""Addresses of circles: found and joined, read and written in, and led."""

CIRCLES = "/circles"


def circle(circle_id: object, act: str = "") -> str:
    """A circle's page; `/members` is who is in it, `/settings` what it is, `/join` and `/leave` are what one does."""
    return f"{CIRCLES}/{circle_id}{act}"


def link(code: str) -> str:
    """What a circle's leaders send to whom they would like in it."""
    return f"/circle-links/{code}"


def member(member_id: object, act: str) -> str:
    """Where somebody is let in or not, given a role, or removed."""
    return f"/circle-members/{member_id}/{act}"


def offer_end(offer_id: object) -> str:
    """Where an offer to a circle is ended."""
    return f"/circle-offers/{offer_id}/end"


def post(post_id: object, act: str) -> str:
    """Where a post is shown, hidden, marked, unmarked or taken back."""
    return f"/circle-posts/{post_id}/{act}"
