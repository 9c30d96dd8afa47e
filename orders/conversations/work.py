"""What both sides do with a thread beside writing: hand it over, close and open it, be told nothing of it, have it read."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from marketplace.access.models import Member, Person
from marketplace.access.permissions import permissions_of
from orders.conversations.events import ConversationHandedOver
from orders.conversations.models import CONVERSATION, Conversation, ConversationReading
from orders.conversations.sides import MANAGE, lock_conversation
from orders.conversations.write import add_message


def hand_over(uow: UnitOfWork, conversation_id: UUID, person_id: UUID | None) -> Conversation:
    """Say which of the seller's members is responsible, None for nobody. It stands in the thread; the same again changes nothing.

    Raises:
        Forbidden: `permission_missing` without leads.manage, `person_required`.
        NotFound: `conversation_not_found`, the buyer included; `member_not_found`: no active member who may take care of it.

    Emits: ConversationHandedOver. Locks: the thread.
    """
    conversation, side = lock_conversation(uow, conversation_id)
    if side != "seller":
        raise NotFound("conversation_not_found")
    if person_id == conversation.assigned_to:
        return conversation
    name = None if person_id is None else name_of_carer(uow, person_id)
    conversation.assigned_to, conversation.assigned_name = person_id, name
    by = uow.principal.person()
    add_message(uow, conversation, "seller", kind="handover", person_id=by, text=name or "", assigned_to=person_id)
    if person_id is not None:
        emit(
            uow,
            ConversationHandedOver(
                conversation_id=conversation.id,
                buyer_org_id=conversation.buyer_org_id,
                seller_org_id=conversation.seller_org_id,
                person_id=person_id,
                by=by,
            ),
        )
    return conversation


def close_conversation(uow: UnitOfWork, conversation_id: UUID) -> Conversation:
    """Nothing more is awaited from either side. Whoever writes opens it again. Closed already, nothing changes.

    Raises: NotFound `conversation_not_found`, Forbidden `permission_missing`. Locks: the thread.
    """
    return _move(uow, conversation_id, "closed")


def reopen_conversation(uow: UnitOfWork, conversation_id: UUID) -> Conversation:
    """Go on with it. Open already, nothing changes. Raises and locks as `close_conversation`."""
    return _move(uow, conversation_id, "open")


def mute_conversation(uow: UnitOfWork, conversation_id: UUID, *, muted: bool) -> Conversation:
    """Have the buyer's people told of the seller's messages no more, or again; they stand in the thread all the same.

    Raises: NotFound `conversation_not_found`, the seller included. Locks: the thread.
    """
    conversation, side = lock_conversation(uow, conversation_id)
    if side != "buyer":
        raise NotFound("conversation_not_found")
    if muted != (conversation.muted_at is not None):
        conversation.muted_at = clock.now() if muted else None
        uow.flush()
    return conversation


def mark_conversation_read(uow: UnitOfWork, conversation: Conversation, number: int) -> None:
    """The acting person has read a thread up to this message. Never less than before, never beyond the end.

    Raises: Forbidden `person_required`. `conversation` is one that the caller found to be the principal's.
    """
    person_id, org_id = uow.principal.person(), uow.principal.organization()
    read = max(0, min(number, conversation.last_number))
    made = insert(ConversationReading).values(
        id=uuid7(), conversation_id=conversation.id, org_id=org_id, person_id=person_id, read_number=read
    )
    uow.session.execute(
        made.on_conflict_do_update(
            index_elements=["conversation_id", "org_id", "person_id"],
            set_={"read_number": func.greatest(ConversationReading.read_number, made.excluded.read_number)},
        )
    )


def _move(uow: UnitOfWork, conversation_id: UUID, state: str) -> Conversation:
    conversation, _ = lock_conversation(uow, conversation_id)
    CONVERSATION.move(uow, conversation, state, org_ids=conversation.parties)
    uow.flush()
    return conversation


def name_of_carer(uow: UnitOfWork, person_id: UUID) -> str:
    """Of an active member of the acting seller who may take care of customers. Raises NotFound(`member_not_found`)."""
    found = uow.session.execute(
        select(Member.roles, Person.name)
        .join(Person, Person.id == Member.person_id)
        .where(Member.org_id == uow.principal.organization(), Member.person_id == person_id, Member.state == "active")
    ).one_or_none()
    if found is None or MANAGE not in permissions_of(found.roles):
        raise NotFound("member_not_found")
    name: str = found.name
    return name
