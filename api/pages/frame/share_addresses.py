"""Addresses of what is sent on: the sheet with a link, and its poster."""

from typing import Literal

from api.pages.frame.product_addresses import with_query

EARNINGS = "/promoter/earnings"
EARNINGS_CSV = "/v1/promoter/earnings/csv"
Shared = Literal["video", "product", "channel"]
_PLACES: dict[Shared, tuple[str, str]] = {
    "video": ("/v", "/v1/videos"),
    "product": ("/products", "/v1/listings"),
    "channel": ("/channels", "/v1/channels"),
}


def subject(kind: Shared, subject_id: str) -> str:
    """What the link opens."""
    return f"{_PLACES[kind][0]}/{subject_id}"


def sheet(kind: Shared, subject_id: str) -> str:
    """The link by which it is sent on, and its poster."""
    return f"{subject(kind, subject_id)}/share"


def poster(kind: Shared, subject_id: str, language: str, form: str = "png") -> str:
    """The poster as a picture, or as `pdf`."""
    return with_query(f"{_PLACES[kind][1]}/{subject_id}/poster", file_type=form, language=language)
