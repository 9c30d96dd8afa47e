"""Addresses of exhibition halls: as visitors use them, and as organizers and exhibitors run them."""

HALLS = "/halls"
OWN_HALLS = "/organizer/halls"


def hall(hall_id: str, act: str = "") -> str:
    """A hall's public page; `/badge` is the reader's own badge there, `/badge/withdraw` gives it up."""
    return f"{HALLS}/{hall_id}{act}"


def booth(booth_id: str, act: str = "") -> str:
    """A booth's public page; `/badge` gives the reader's badge to it."""
    return f"/booths/{booth_id}{act}"


def exchange(exchange_id: str, act: str) -> str:
    """Where whoever bears a badge gives it, declines, or takes it back."""
    return f"/badge-exchanges/{exchange_id}/{act}"


def badge(code: str) -> str:
    """What a badge's QR code says: an exhibitor asks for the contact there."""
    return f"/badges/{code}"


def own_hall(hall_id: str, act: str = "") -> str:
    """Where a hall is organized, and each thing is done to it."""
    return f"{OWN_HALLS}/{hall_id}{act}"


def report_file(hall_id: str, kind: str) -> str:
    """The report of a hall as a file (`csv`, `xlsx`)."""
    return f"/v1/organizer/halls/{hall_id}/report/{kind}"


def own_booth(booth_id: str, act: str = "") -> str:
    """Where an exhibitor says what its booth shows, and reads badges."""
    return f"/seller/booths/{booth_id}{act}"
