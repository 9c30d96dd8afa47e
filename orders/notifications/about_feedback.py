"""What sellers are told of reviews of their products and of questions about them, and their writers of the answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from sqlalchemy import select

from fulfillment.customer_reviews.events import CustomerReviewAnswered, CustomerReviewWritten
from fulfillment.customer_reviews.models import CustomerReview
from kernel.db.uow import UnitOfWork
from marketplace.catalog.models import Listing, ListingVersion
from marketplace.notifications.notify import NewNotification
from marketplace.questions.events import QuestionAnswered, QuestionAsked
from marketplace.questions.models import ProductQuestion
from orders.notifications.notifiers import RecordedEvent, notifies_of

SHOWN_CHARACTERS = 120
Params = dict[str, str]


@notifies_of(CustomerReviewWritten)
def review_written(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The seller's catalogue people are told of what is shown."""
    for event, review, params in _about_reviews(uow, events):
        if review.state == "shown":
            yield _to_seller(event, "customer_review_written", review, "reviews", params)


@notifies_of(CustomerReviewAnswered)
def review_answered(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever wrote it last is told."""
    for event, review, params in _about_reviews(uow, events):
        yield _to_writer(event, "customer_review_answered", review, "reviews", params)


@notifies_of(QuestionAsked)
def question_asked(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The seller's catalogue people are told what waits for an answer."""
    for event, question, params in _about_questions(uow, events):
        if question.state == "shown":
            yield _to_seller(event, "question_asked", question, "questions", params)


@notifies_of(QuestionAnswered)
def question_answered(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever asked is told."""
    for event, question, params in _about_questions(uow, events):
        yield _to_writer(event, "question_answered", question, "questions", params)


def _to_seller(
    event: RecordedEvent, kind: str, row: CustomerReview | ProductQuestion, section: str, params: Params
) -> NewNotification:
    path = f"/products/{row.listing_id}/{section}"
    return NewNotification(event.id, event.at, kind, path, params, org_id=row.seller_org_id, permission="catalog.write")


def _to_writer(
    event: RecordedEvent, kind: str, row: CustomerReview | ProductQuestion, section: str, params: Params
) -> NewNotification:
    path = f"/products/{row.listing_id}/{section}"
    said = params | {"text": row.answer[:SHOWN_CHARACTERS]}
    return NewNotification(event.id, event.at, kind, path, said, org_id=row.org_id, person_id=row.person_id)


def _about_reviews(
    uow: UnitOfWork, events: Sequence[RecordedEvent]
) -> Iterable[tuple[RecordedEvent, CustomerReview, Params]]:
    wanted = [event.uuid("review_id") for event in events]
    found = {row.id: row for row in uow.session.scalars(select(CustomerReview).where(CustomerReview.id.in_(wanted)))}
    titles = _titles(uow, {row.listing_id for row in found.values()})
    for event in events:
        row = found[event.uuid("review_id")]
        yield event, row, titles[row.listing_id] | {"organization": row.org_name, "text": row.body[:SHOWN_CHARACTERS]}


def _about_questions(
    uow: UnitOfWork, events: Sequence[RecordedEvent]
) -> Iterable[tuple[RecordedEvent, ProductQuestion, Params]]:
    wanted = [event.uuid("question_id") for event in events]
    found = {row.id: row for row in uow.session.scalars(select(ProductQuestion).where(ProductQuestion.id.in_(wanted)))}
    titles = _titles(uow, {row.listing_id for row in found.values()})
    for event in events:
        row = found[event.uuid("question_id")]
        yield event, row, titles[row.listing_id] | {"organization": row.org_name, "text": row.body[:SHOWN_CHARACTERS]}


def _titles(uow: UnitOfWork, listing_ids: Collection[UUID]) -> dict[UUID, Params]:
    rows = uow.session.execute(
        select(Listing.id, ListingVersion.title, ListingVersion.title_en)
        .join(ListingVersion, ListingVersion.id == Listing.current_version_id)
        .where(Listing.id.in_(list(listing_ids)))
    )
    return {row.id: {"what": row.title or row.title_en, "what_en": row.title_en or row.title} for row in rows}
