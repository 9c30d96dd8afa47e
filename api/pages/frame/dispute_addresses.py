"""Addresses of the pages of disputed payments."""

from __future__ import annotations

from typing import Literal

BUYER = "/disputes"
SELLER = "/seller/disputes"
OPERATOR = "/operator/disputes"
_LISTS = {"buyer": BUYER, "seller": SELLER, "operator": OPERATOR}
DisputeSide = Literal["buyer", "seller", "operator"]


def list_of(side: DisputeSide) -> str:
    """All of one side."""
    return _LISTS[side]


def one_of(side: DisputeSide, dispute_id: str) -> str:
    """A dispute as one side sees it."""
    return f"{_LISTS[side]}/{dispute_id}"


def document(side: DisputeSide, dispute_id: str, document_id: str) -> str:
    """A document of either side."""
    return f"/v1{_LISTS[side]}/{dispute_id}/documents/{document_id}"
