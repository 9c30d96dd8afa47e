"""Addresses of groups of organizations."""

GROUP = "/group"
REPORT_FILES = ("/v1/group-report/csv", "/v1/group-report/xlsx")


def membership(membership_id: object, act: str = "") -> str:
    """A subsidiary as its headquarters reads it; `/accept`, `/decline`, `/withdraw`, `/rights` and `/end` are what is done with
    a membership by whichever side may.
    """
    return f"{GROUP}/{membership_id}{act}"


def allocated(allocation_id: object, act: str = "") -> str:
    """Seats that one's headquarters allocated; `/seats` is where they are given and taken back, `/launch` opens the product."""
    return f"/allocated-seats/{allocation_id}{act}"
