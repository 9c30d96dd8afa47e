"""Sample views of reviews and questions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from api.pages.feedback.handlers import shown_review
from api.pages.feedback.views import QuestionsView, ReviewsView, RevisionsView, ShownReview, ShownRevision
from api.pages.frame.rendering import View
from fulfillment.customer_reviews.queries import CustomerReviewView
from marketplace.questions.queries import QuestionView
from tests.browser.preview.buying_samples import ID, Samples

_AT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
_LISTING = UUID(ID.format(21))


def _reviews(s: Samples) -> tuple[CustomerReviewView, ...]:
    said = s.pick(
        "一块屏管完校招，**省了两周**。\n\n- 导入快\n- 客服及时", "One screen, **two weeks saved**.\n\n- Quick import"
    )
    thanks = s.pick("谢谢！下个版本会更快。", "Thank you! The next version is quicker still.")
    own = CustomerReviewView(
        UUID(int=1), _LISTING, s.buyer, 5, said, "shown", 3, thanks, _AT, _AT, _AT, own=True, answerable=False
    )
    critical = s.pick("报表导出太慢。", "Exporting reports takes too long.")
    other = replace(
        own,
        id=UUID(int=2),
        org_name="Harbor & Sons International Shipping Holdings",
        stars=2,
        text=critical,
        revision=1,
        answer="",
        answered_at=None,
        own=False,
        answerable=True,
    )
    return own, other


def shown_reviews(s: Samples) -> tuple[ShownReview, ...]:
    """One's own, with an answer, and a critical one of another organization."""
    return tuple(map(shown_review, _reviews(s)))


def asked(s: Samples) -> tuple[QuestionView, ...]:
    """One's own with an answer, and a hidden one with a long word."""
    text = s.pick("支持私有部署吗？", "Can it run on our own servers?")
    answer = s.pick("支持，需单独报价。", "It can; ask for a quote.")
    name = s.pick("林知夏", "Lin Zhixia")
    own = QuestionView(
        UUID(int=1), _LISTING, name, s.buyer, text, "shown", answer, _AT, _AT, own=True, answerable=False
    )
    long = "https://example.test/" + "a" * 120
    other = replace(
        own, id=UUID(int=2), text=long, state="hidden", answer="", answered_at=None, own=False, answerable=True
    )
    return own, other


def feedback_pages(s: Samples) -> dict[str, View]:
    """The pages by name."""
    mine, _ = _reviews(s)
    rows = shown_reviews(s)
    revisions = tuple(ShownRevision(n, n, rows[0].html, _AT) for n in (3, 2, 1))
    listing = str(_LISTING)
    return {
        "product-reviews": ReviewsView(
            listing,
            s.hiring,
            43,
            12,
            rows,
            mine,
            may_write=True,
            most=4_000,
            most_answer=2_000,
            typed=mine.text,
            stars=5,
        ),
        "product-reviews-none": ReviewsView(
            listing, s.hiring, None, 0, (), None, may_write=False, most=4_000, most_answer=2_000
        ),
        "product-review": RevisionsView(listing, s.hiring, revisions),
        "product-questions": QuestionsView(listing, s.hiring, asked(s), 500, 2_000),
    }
