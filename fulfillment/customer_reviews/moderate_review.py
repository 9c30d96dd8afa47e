"""The seller answers a review; anybody reports one; the platform decides what was reported."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from fulfillment.customer_reviews.events import CustomerReviewAnswered, CustomerReviewReported
from fulfillment.customer_reviews.models import CustomerReview, CustomerReviewReport
from fulfillment.customer_reviews.write_review import take_down
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from marketplace.input_text import optional_line, paragraphs

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


def report_review(uow: UnitOfWork, review_id: UUID, reason: str) -> UUID:
    """Ask the platform to look at a review that is shown; reported already by this person, nothing changes.

    Returns the listing it is about.

    Raises:
        NotFound: `customer_review_not_found`. Invalid: `text_too_long`. Forbidden: `person_required`.

    Emits: CustomerReviewReported.
    """
    org_id, person_id = uow.principal.organization(), uow.principal.person()
    review = uow.session.get(CustomerReview, review_id)
    if review is None or review.state != "shown":
        raise NotFound("customer_review_not_found")
    made = uow.session.scalar(
        insert(CustomerReviewReport)
        .values(
            id=uuid7(),
            org_id=org_id,
            person_id=person_id,
            review_id=review_id,
            reason=optional_line("reason", reason, 200),
            decided_at=None,
            created_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["org_id", "person_id", "review_id"])
        .returning(CustomerReviewReport.id)
    )
    if made is not None:
        emit(uow, CustomerReviewReported(review_id=review_id, org_id=org_id))
    uow.flush()
    return review.listing_id


def decide_reported_review(uow: UnitOfWork, review_id: UUID, *, remove: bool) -> None:
    """Close what was reported of a review: it goes for good, or stays as it is. Only the platform asks for it.

    Raises:
        NotFound: `customer_review_not_found`.

    Emits: CustomerReviewTakenDown. Locks: the review.
    """
    review = lock_row(uow.session, CustomerReview, review_id)
    if review is None:
        raise NotFound("customer_review_not_found")
    if remove:
        take_down(uow, review, "removed")
    uow.session.execute(
        update(CustomerReviewReport)
        .where(CustomerReviewReport.review_id == review_id, CustomerReviewReport.decided_at.is_(None))
        .values(decided_at=clock.now())
    )
    uow.flush()
