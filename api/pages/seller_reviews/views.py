"""Sellers' documents as the operator sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from marketplace.onboarding.queries import PayoutAccountView, WaitingProof


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """A document in the list, with how long it waits."""

    id: str
    seller: str
    legal_name: str
    country_name: str
    file_name: str
    """Of a transfer its reference and amount."""
    waiting_s: int


@dataclass(frozen=True, slots=True)
class SellerReviewsView:
    """What waits for a decision, the oldest first."""

    template: ClassVar[str] = "seller_reviews/seller_reviews.html"
    active: ClassVar[str] = "operator_sellers"

    rows: tuple[WaitingRow, ...]
    next_address: str | None


@dataclass(frozen=True, slots=True)
class SellerReviewView:
    """One document beside what is registered of its seller."""

    template: ClassVar[str] = "seller_reviews/seller_review.html"
    active: ClassVar[str] = "operator_sellers"

    found: WaitingProof
    country_name: str
    reason: str = ""
    #: Where a verification transfer goes.
    transfer_account: str = ""
    error: str | None = None
    error_field: str = ""


@dataclass(frozen=True, slots=True)
class RevealedView:
    """A party's payout account with its whole number."""

    template: ClassVar[str] = "seller_reviews/payout_account.html"
    active: ClassVar[str] = "operator"

    party: str
    account: PayoutAccountView
    country_name: str
    number: str
