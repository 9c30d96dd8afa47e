"""Addresses of groups of organizations."""

GROUP = "/group"


def membership(membership_id: object, act: str = "") -> str:
    """A subsidiary as its headquarters reads it; `/accept`, `/decline`, `/withdraw`, `/rights` and `/end` are what is done with
    a membership by whichever side may.
    """
    return f"{GROUP}/{membership_id}{act}"
