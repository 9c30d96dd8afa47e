"""Addresses of cards that sell nothing: where one answers, comes back to an answer, edits a card, and works through answers."""

from api.pages.frame.product_addresses import with_query

RESPONSES = "/seller/card-responses"
RESPONSES_CSV = "/v1/seller/card-responses/export"
RECEIPT = "/card-answer"


def card(card_id: object, second: int | None = None) -> str:
    """Where a card is answered."""
    return with_query(f"/cards/{card_id}", second=second)


def receipt(token: str, act: str = "") -> str:
    """What somebody gave, for whoever holds the link; `/delete` is where it is deleted, `/file` what it opened."""
    return with_query(f"{RECEIPT}{act}", token=token)


def new_card(video_id: object) -> str:
    """Where a card is put on a video, and its form posts."""
    return f"/seller/videos/{video_id}/response-cards/new"


def edit_card(card_id: object, act: str = "") -> str:
    """The editor of a card; `/remove` and `/file` are what its other forms post to."""
    return f"/seller/response-cards/{card_id}{act}"


def response(response_id: object, act: str = "") -> str:
    """An answer as the card's owner works with it; `/erase` is where it is deleted."""
    return f"{RESPONSES}/{response_id}{act}"
