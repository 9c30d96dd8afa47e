"""Reviews of a product, the history of one, and questions about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fulfillment.customer_reviews.queries import CustomerReviewView
from marketplace.questions.queries import QuestionView


@dataclass(frozen=True, slots=True)
class ShownReview:
    """A review with its text as HTML that is safe to show."""

    row: CustomerReviewView
    html: str


@dataclass(frozen=True, slots=True)
class ShownRevision:
    """One version of a review."""

    number: int
    stars: int
    html: str
    at: object


@dataclass(frozen=True, slots=True)
class ReviewsView:
    """What customers say of a product. ``own`` is the reader's organization's, ``typed`` what stands in its form."""

    template: ClassVar[str] = "feedback/reviews.html"
    active: ClassVar[str] = "products"

    listing_id: str
    name: str
    rating_tenths: int | None
    rating_count: int
    rows: tuple[ShownReview, ...]
    own: CustomerReviewView | None
    may_write: bool
    most: int
    most_answer: int
    typed: str = ""
    stars: int = 0
    error: str | None = None
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class RevisionsView:
    """Every version of a review, newest first."""

    template: ClassVar[str] = "feedback/revisions.html"
    active: ClassVar[str] = "products"

    listing_id: str
    name: str
    rows: tuple[ShownRevision, ...]


@dataclass(frozen=True, slots=True)
class QuestionsView:
    """What is asked about a product. ``typed`` is what was refused, kept."""

    template: ClassVar[str] = "feedback/questions.html"
    active: ClassVar[str] = "products"

    listing_id: str
    name: str
    rows: tuple[QuestionView, ...]
    most: int
    most_answer: int
    own: bool = False
    decides: bool = False
    typed: str = ""
    error: str | None = None
    next_address: str | None = None
