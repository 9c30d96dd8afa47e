"""Whom a message in a conversation is told, and who takes one over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import func, select, tuple_

from kernel.db.uow import UnitOfWork
from marketplace.notifications.notify import NewNotification
from marketplace.parties.models import Organization
from orders.conversations.events import ConversationHandedOver, ConversationMessageSent
from orders.conversations.models import Conversation, ConversationMessage
from orders.notifications.notifiers import RecordedEvent, notifies_of


@notifies_of(ConversationMessageSent)
def conversation_message_sent(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The other side learns that somebody wrote, once for what is written in one go: of the seller whoever is responsible, else
    all who may be; of the buyer whoever wrote last, else those who buy, unless it wants to be told nothing.
    """
    found = _threads(uow, events)
    writers = _last_writers(uow, list(found))
    for event in events:
        thread, params = found[event.uuid("conversation_id")]
        if not event.payload["begins"]:
            continue
        if event.payload["side"] == "buyer":
            yield _to_seller(event, "conversation_written", thread, params, thread.assigned_to)
        elif thread.muted_at is None:
            writer = writers.get(thread.id)
            yield NewNotification(
                event.id,
                event.at,
                "conversation_answered",
                f"/conversations/{thread.seller_org_id}",
                params,
                org_id=thread.buyer_org_id,
                person_id=writer,
                permission=None if writer else "orders.buy",
            )


@notifies_of(ConversationHandedOver)
def conversation_handed_over(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Who is to take care of a thread learns of it, unless they took it themselves."""
    found = _threads(uow, events)
    for event in events:
        thread, params = found[event.uuid("conversation_id")]
        if event.payload["person_id"] != event.payload["by"]:
            yield _to_seller(event, "conversation_handed_over", thread, params, event.uuid("person_id"))


def _to_seller(
    event: RecordedEvent, kind: str, thread: Conversation, params: dict[str, str], person_id: UUID | None
) -> NewNotification:
    return NewNotification(
        event.id,
        event.at,
        kind,
        f"/seller/conversations/{thread.buyer_org_id}",
        params,
        org_id=thread.seller_org_id,
        person_id=person_id,
        permission=None if person_id else "leads.manage",
    )


def _threads(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Mapping[UUID, tuple[Conversation, dict[str, str]]]:
    rows = uow.session.execute(
        select(Conversation, Organization.display_name)
        .join(Organization, Organization.id == Conversation.seller_org_id)
        .where(Conversation.id.in_([event.uuid("conversation_id") for event in events]))
    )
    return {thread.id: (thread, {"buyer": thread.buyer_name, "seller": seller}) for thread, seller in rows}


def _last_writers(uow: UnitOfWork, conversation_ids: Sequence[UUID]) -> Mapping[UUID, UUID]:
    """Who of the buyer wrote last in each thread."""
    latest = (
        select(ConversationMessage.conversation_id, func.max(ConversationMessage.number))
        .where(ConversationMessage.conversation_id.in_(conversation_ids), ConversationMessage.side == "buyer")
        .group_by(ConversationMessage.conversation_id)
    )
    rows = uow.session.execute(
        select(ConversationMessage.conversation_id, ConversationMessage.person_id).where(
            tuple_(ConversationMessage.conversation_id, ConversationMessage.number).in_(latest)
        )
    )
    return {conversation_id: person_id for conversation_id, person_id in rows if person_id is not None}
