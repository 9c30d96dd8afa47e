"""Reads about questions below a product."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select

from kernel.db.uow import UnitOfWork
from kernel.paging import Page, cut, newest_first
from marketplace.catalog.queries import get_listing
from marketplace.questions.models import ProductQuestion


@dataclass(frozen=True, slots=True)
class QuestionView:
    """A question as its reader meets it. `own`: the reader asked; `answerable`: the reader's organization sells the product."""

    id: UUID
    listing_id: UUID
    person_name: str
    org_name: str
    text: str
    state: str
    answer: str
    answered_at: datetime | None
    created_at: datetime
    own: bool
    answerable: bool


def list_questions(
    uow: UnitOfWork, *, listing_id: UUID, cursor: str | None = None, limit: int = 20
) -> Page[QuestionView]:
    """Questions about a product on sale, or one's own, newest first; hidden ones for the seller and whoever asked.

    Raises:
        NotFound: `listing_not_found`. Invalid: `cursor_invalid`.
    """
    get_listing(uow, listing_id)
    return questions_of(uow, listing_id, cursor=cursor, limit=limit)


def questions_of(
    uow: UnitOfWork, listing_id: UUID, *, cursor: str | None = None, limit: int = 20
) -> Page[QuestionView]:
    """`list_questions` of a product that the caller has seen already."""
    me = uow.principal
    shown = [ProductQuestion.state == "shown"]
    if me.org_id is not None:
        hidden = ProductQuestion.state == "hidden"
        if me.may("catalog.write"):
            shown.append(hidden & (ProductQuestion.seller_org_id == me.org_id))
        if me.person_id is not None:
            shown.append(hidden & (ProductQuestion.org_id == me.org_id) & (ProductQuestion.person_id == me.person_id))
    statement = select(ProductQuestion).where(ProductQuestion.listing_id == listing_id, or_(*shown))
    statement = newest_first(statement, ProductQuestion.created_at, ProductQuestion.id, cursor, limit)
    page = cut(list(uow.session.scalars(statement)), limit, lambda row: (row.created_at, row.id))
    views = [
        QuestionView(
            id=row.id,
            listing_id=row.listing_id,
            person_name=row.person_name,
            org_name=row.org_name,
            text=row.body,
            state=row.state,
            answer=row.answer,
            answered_at=row.answered_at,
            created_at=row.created_at,
            own=me.person_id is not None and (row.person_id, row.org_id) == (me.person_id, me.org_id),
            answerable=row.seller_org_id == me.org_id and me.may("catalog.write"),
        )
        for row in page.items
    ]
    return Page(views, page.next_cursor)
