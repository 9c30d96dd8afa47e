"""What owners of cards are told of answers to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.notifications.notify import NewNotification
from marketplace.response_cards.events import CardAnswered
from marketplace.response_cards.models import CardResponse, ResponseCard
from orders.notifications.notifiers import RecordedEvent, notifies_of


@notifies_of(CardAnswered)
def card_answered(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever takes care of leads sees the answer in its list. Who answered is not said here: there it can be deleted."""
    rows = uow.session.execute(
        select(CardResponse.id, ResponseCard.title, ResponseCard.title_en)
        .join(ResponseCard, ResponseCard.id == CardResponse.card_id)
        .where(CardResponse.id.in_([event.uuid("response_id") for event in events]))
    )
    titles = {row.id: row for row in rows}
    for event in events:
        row = titles[event.uuid("response_id")]
        yield NewNotification(
            event.id,
            event.at,
            "card_answered",
            f"/seller/card-responses/{row.id}",
            {"what": row.title, "what_en": row.title_en},
            org_id=event.uuid("org_id"),
            permission="leads.manage",
        )
