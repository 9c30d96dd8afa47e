"""The seller answers a review; the platform removes one that was reported."""

from __future__ import annotations

from uuid import UUID

from fulfillment.customer_reviews.events import CustomerReviewAnswered
from fulfillment.customer_reviews.models import CustomerReview
from fulfillment.customer_reviews.write_review import take_down
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.jobs.outbox import emit
from marketplace.content_reports.kinds import ReportableKind, ReportedContent, register_kind
from marketplace.input_text import paragraphs

MAX_ANSWER = 2_000


def answer_review(uow: UnitOfWork, review_id: UUID, text: str) -> CustomerReview:
    """Answer a review of one's own product, in plain text; an empty answer takes the one before back.

    Raises:
        NotFound: `customer_review_not_found`: none that is shown, of a product of the acting organization.
        Invalid: `text_too_long`.

    Emits: CustomerReviewAnswered. Locks: the review.
    """
    review = lock_row(uow.session, CustomerReview, review_id)
    if review is None or review.seller_org_id != uow.principal.organization() or review.state != "shown":
        raise NotFound("customer_review_not_found")
    answer = paragraphs("text", text, MAX_ANSWER)
    if answer != review.answer:
        review.answer, review.answered_at = answer, clock.now() if answer else None
        if answer:
            emit(
                uow,
                CustomerReviewAnswered(review_id=review.id, org_id=review.org_id, seller_org_id=review.seller_org_id),
            )
    uow.flush()
    return review


def _find_reportable(uow: UnitOfWork, review_id: UUID) -> ReportedContent:
    review = uow.session.get(CustomerReview, review_id)
    if review is None or review.state != "shown":
        raise NotFound("customer_review_not_found")
    return ReportedContent(review.listing_id, review.org_id, review.person_id, review.org_name, review.body)


def _remove_reported(uow: UnitOfWork, review_id: UUID, reason: str) -> None:
    review = lock_row(uow.session, CustomerReview, review_id)
    if review is not None:
        take_down(uow, review, "removed", reason)


register_kind("review", ReportableKind(_find_reportable, _remove_reported))
