"""An organization says what it makes of a product it has been entitled to, changes it, and takes it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from fulfillment.customer_reviews.events import CustomerReviewTakenDown, CustomerReviewWritten
from fulfillment.customer_reviews.models import CUSTOMER_REVIEW, CustomerReview, CustomerReviewRevision
from fulfillment.entitlements.models import Entitlement
from kernel import clock
from kernel.db.locks import advisory_xact_lock, lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.rate_limit import Quota
from kernel.text import clean_markdown
from marketplace.parties.models import Organization

MAX_TEXT = 4_000
MOST = 10
"""Versions of one review in `WITHIN`."""
WITHIN = timedelta(minutes=60)
_WRITING_LOCK = 0x7265  # "re"


@dataclass(frozen=True, slots=True)
class WriteReview:
    """One to five stars, and why, in restricted Markdown."""

    listing_id: UUID
    stars: int
    text: str


def write_review(uow: UnitOfWork, command: WriteReview) -> CustomerReview:
    """Review a product for the acting organization, or change what it said. The same again changes nothing.

    Raises:
        Forbidden: `not_entitled_to_review`: it has never been able to use the product. `person_required`.
        Invalid: `stars_out_of_range`, `text_required`, `text_too_long`.
        Conflict: `customer_review_removed`: the platform removed what it wrote. TooMany: `too_many_comments`.

    Emits: CustomerReviewWritten. Locks: the organization's writing.
    """
    org_id, person_id = uow.principal.organization(), uow.principal.person()
    entitlement = find_reviewable(uow, command.listing_id)
    if entitlement is None:
        raise Forbidden("not_entitled_to_review")
    if not 1 <= command.stars <= 5:
        raise Invalid("stars_out_of_range", field="stars")
    body = _checked(command.text)
    advisory_xact_lock(uow.session, _WRITING_LOCK, org_id)
    now = clock.now()
    review = find_own_review(uow, command.listing_id)
    if review is None:
        review = CustomerReview(
            id=uuid7(),
            org_id=org_id,
            seller_org_id=entitlement.seller_org_id,
            listing_id=entitlement.listing_id,
            entitlement_id=entitlement.id,
            org_name=uow.session.get_one(Organization, org_id).display_name,
            revision=0,
            answer="",
            answered_at=None,
            created_at=now,
        )
        CUSTOMER_REVIEW.begin(uow, review, org_ids=concerned(review))
    elif review.state == "removed":
        raise Conflict("customer_review_removed")
    elif (review.state, review.stars, review.body) == ("shown", command.stars, body):
        return review
    else:
        _check_rate(uow, review)
        CUSTOMER_REVIEW.move(uow, review, "shown", org_ids=concerned(review))
    review.person_id, review.stars, review.body = person_id, command.stars, body
    review.revision, review.changed_at = review.revision + 1, now
    uow.session.add(review)
    uow.flush()
    uow.session.add(
        CustomerReviewRevision(
            id=uuid7(),
            org_id=org_id,
            review_id=review.id,
            person_id=person_id,
            number=review.revision,
            stars=review.stars,
            body=review.body,
            created_at=now,
        )
    )
    _emit(uow, CustomerReviewWritten, review)
    uow.flush()
    return review


def withdraw_review(uow: UnitOfWork, listing_id: UUID) -> None:
    """Take the acting organization's review back. Withdrawn already, nothing changes.

    Raises:
        NotFound: `customer_review_not_found`. Conflict: `invalid_transition`: the platform removed it.

    Emits: CustomerReviewTakenDown. Locks: the review.
    """
    uow.principal.person()
    found = find_own_review(uow, listing_id)
    review = lock_row(uow.session, CustomerReview, found.id) if found is not None else None
    if review is None:
        raise NotFound("customer_review_not_found")
    take_down(uow, review, "withdrawn")


def take_down(uow: UnitOfWork, review: CustomerReview, state: str, reason: str | None = None) -> None:
    """Show a locked review no longer. Emits: CustomerReviewTakenDown."""
    was_shown = review.state == "shown"
    if CUSTOMER_REVIEW.move(uow, review, state, org_ids=concerned(review), reason=reason) and was_shown:
        _emit(uow, CustomerReviewTakenDown, review)
    uow.flush()


def find_own_review(uow: UnitOfWork, listing_id: UUID) -> CustomerReview | None:
    """What the acting organization wrote, in whatever state."""
    own = CustomerReview.org_id == uow.principal.organization()
    return uow.session.scalars(select(CustomerReview).where(own, CustomerReview.listing_id == listing_id)).one_or_none()


def find_reviewable(uow: UnitOfWork, listing_id: UUID) -> Entitlement | None:
    """The latest entitlement of the acting organization that was once in force: what lets it review the product."""
    return uow.session.scalars(
        select(Entitlement)
        .where(
            Entitlement.buyer_org_id == uow.principal.organization(),
            Entitlement.listing_id == listing_id,
            Entitlement.seller_org_id != Entitlement.buyer_org_id,
            Entitlement.valid_from.is_not(None),
        )
        .order_by(Entitlement.created_at.desc(), Entitlement.id.desc())
        .limit(1)
    ).one_or_none()


def concerned(review: CustomerReview) -> list[UUID]:
    """The organizations that may read its history."""
    return sorted({review.org_id, review.seller_org_id})


def _checked(text: str) -> str:
    body = clean_markdown(text).strip()
    if not body:
        raise Invalid("text_required", field="text")
    if len(body) > MAX_TEXT:
        raise Invalid("text_too_long", field="text", limit=MAX_TEXT)
    return body


def _check_rate(uow: UnitOfWork, review: CustomerReview) -> None:
    recent = select(func.count()).where(
        CustomerReviewRevision.review_id == review.id, CustomerReviewRevision.created_at > clock.now() - WITHIN
    )
    if (uow.session.scalar(recent) or 0) >= MOST:
        minutes = WITHIN // timedelta(minutes=1)
        quota = Quota("customer_review", MOST, minutes * 60)
        raise TooMany("too_many_comments", quota=quota, most=MOST, minutes=minutes, retry_after_s=quota.window_s)


def _emit(
    uow: UnitOfWork, event: type[CustomerReviewWritten | CustomerReviewTakenDown], review: CustomerReview
) -> None:
    emit(
        uow,
        event(
            review_id=review.id,
            org_id=review.org_id,
            seller_org_id=review.seller_org_id,
            listing_id=review.listing_id,
        ),
    )
