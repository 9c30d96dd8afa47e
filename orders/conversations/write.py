"""Write to the other side: words, a file, an order that both see. The first message begins the thread."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.storage import StoredObject
from kernel.text import plain_text
from marketplace.access.counted_limits import Limit, count_within
from marketplace.access.models import Person
from marketplace.input_text import paragraphs
from marketplace.service_windows.hours import closed_since, is_open
from marketplace.service_windows.save_window import service_window_of
from orders.conversations.events import ConversationMessageSent
from orders.conversations.models import CONVERSATION, Conversation, ConversationMessage
from orders.conversations.sides import (
    Side,
    addressed_seller,
    find_between,
    hold_between,
    lock_conversation,
    name_of_known,
    own_name,
)
from orders.order.models import Order

PREFIX = "conversations"
"""Where files are kept in the object store."""
MAX_MESSAGE = 4_000
OF_PERSON = Limit(60, timedelta(hours=1))
"""A message a minute: a conversation, not a broadcast."""
OF_ORGANIZATION = Limit(600, timedelta(hours=1))
TOO_OFTEN = "conversation_too_often"
PAUSE = timedelta(minutes=15)
"""After so long a message begins anew, and the other side is told again."""
TWICE = timedelta(minutes=1)
"""Within it the same file is the same message."""


@dataclass(frozen=True, slots=True)
class SentFile:
    """What was stored, what its bytes are, and what its sender calls it (for people, never for a path)."""

    stored: StoredObject
    media_type: str
    file_name: str


@dataclass(frozen=True, slots=True)
class WriteMessage:
    """What is written: one of them at least. `order_id`: an order between the two."""

    text: str = ""
    order_id: UUID | None = None
    file: SentFile | None = None


def conversation_file_key(org_id: UUID) -> str:
    """Where a file is to be stored: a new place every time."""
    return f"{PREFIX}/{org_id}/{uuid7()}"


def write_to_seller(uow: UnitOfWork, seller_id: UUID, command: WriteMessage) -> ConversationMessage:
    """Write to a seller for the acting organization, beginning the thread where there is none.

    Raises:
        Forbidden: `person_required`, `permission_missing` for an order without orders.read.
        NotFound: `organization_not_found`, `not_found`. Conflict: `conversation_with_oneself`.
        Invalid: `text_required`, `text_too_long`. TooMany: `conversation_too_often`.

    Emits: ConversationMessageSent. Locks: the buying organization where the thread begins, then the thread.
    """
    addressed_seller(uow, seller_id)
    buyer_id = uow.principal.organization()
    return _write(uow, _between(uow, buyer_id, seller_id, own_name(uow)), "buyer", command)


def write_to_customer(uow: UnitOfWork, buyer_id: UUID, command: WriteMessage) -> ConversationMessage:
    """Write to an organization that the acting seller knows, beginning the thread where there is none.

    Raises: as `name_of_known`, else as `write_to_seller` (seller.orders.read for an order).

    Emits: ConversationMessageSent. Locks: as `write_to_seller`.
    """
    name = name_of_known(uow, buyer_id)
    return _write(uow, _between(uow, buyer_id, uow.principal.organization(), name), "seller", command)


def write_message(uow: UnitOfWork, conversation_id: UUID, command: WriteMessage) -> ConversationMessage:
    """Write in a thread of the acting organization; a closed one is open again.

    Raises: NotFound `conversation_not_found`, Forbidden `permission_missing`, else as `write_to_seller`.

    Emits: ConversationMessageSent. Locks: the thread.
    """
    conversation, side = lock_conversation(uow, conversation_id)
    return _write(uow, conversation, side, command)


def announce_between(
    uow: UnitOfWork, buyer_id: UUID, seller_id: UUID, buyer_name: str, person_id: UUID, text: str
) -> ConversationMessage:
    """Put a seller's announcement into the thread of the two, beginning it where there is none. For the platform alone.

    Emits: ConversationMessageSent, of which nobody is notified. Locks: as `write_to_seller`.
    """
    conversation = _between(uow, buyer_id, seller_id, buyer_name)
    CONVERSATION.move(uow, conversation, "open", org_ids=conversation.parties)
    message = add_message(uow, conversation, "seller", person_id=person_id, text=text)
    emit(
        uow,
        ConversationMessageSent(
            conversation_id=conversation.id,
            message_id=message.id,
            buyer_org_id=buyer_id,
            seller_org_id=seller_id,
            side="seller",
            begins=False,
        ),
    )
    return message


def add_message(uow: UnitOfWork, conversation: Conversation, side: Side, **values: Any) -> ConversationMessage:
    """Put a message at the end of a locked thread."""
    conversation.last_number += 1
    conversation.last_at = clock.now()
    made = ConversationMessage(
        **{
            "id": uuid7(),
            "conversation_id": conversation.id,
            "buyer_org_id": conversation.buyer_org_id,
            "seller_org_id": conversation.seller_org_id,
            "number": conversation.last_number,
            "side": side,
            "kind": "written",
            "person_id": None,
            "text": "",
            "text_en": None,
            "assigned_to": None,
            "order_id": None,
            "file_key": None,
            "file_name": None,
            "media_type": None,
            "size_bytes": None,
            "sha256": None,
            "created_at": conversation.last_at,
            **values,
        }
    )
    uow.session.add(made)
    uow.flush()
    return made


def _between(uow: UnitOfWork, buyer_id: UUID, seller_id: UUID, buyer_name: str) -> Conversation:
    """The thread of the two, locked; begun where there is none. The buyer's name is what it is called now."""
    hold_between(uow, buyer_id)
    found = find_between(uow, buyer_id, seller_id)
    if found is not None:
        found = lock_row(uow.session, Conversation, found.id) or found
        found.buyer_name = buyer_name
        return found
    now = clock.now()
    made = Conversation(
        id=uuid7(),
        buyer_org_id=buyer_id,
        seller_org_id=seller_id,
        buyer_name=buyer_name,
        assigned_to=None,
        assigned_name=None,
        last_number=0,
        last_at=now,
        answered_by_itself_at=None,
        muted_at=None,
        created_at=now,
    )
    CONVERSATION.begin(uow, made, org_ids=made.parties)
    uow.session.add(made)
    uow.flush()
    return made


def _write(uow: UnitOfWork, conversation: Conversation, side: Side, command: WriteMessage) -> ConversationMessage:
    person_id = uow.principal.person()
    text = paragraphs("text", command.text, MAX_MESSAGE)
    if not text and command.order_id is None and command.file is None:
        raise Invalid("text_required", field="text")
    if command.order_id is not None:
        _require_order(uow, conversation, side, command.order_id)
    same = _sent_already(uow, conversation, person_id, text, command.file)
    if same is not None:
        return same
    _count(uow, person_id)
    begins = _begins(uow, conversation, side)
    CONVERSATION.move(uow, conversation, "open", org_ids=conversation.parties)
    if side == "seller" and conversation.assigned_to is None:
        _take(uow, conversation, person_id)
    message = add_message(
        uow, conversation, side, person_id=person_id, text=text, order_id=command.order_id, **_file(command.file)
    )
    emit(
        uow,
        ConversationMessageSent(
            conversation_id=conversation.id,
            message_id=message.id,
            buyer_org_id=conversation.buyer_org_id,
            seller_org_id=conversation.seller_org_id,
            side=side,
            begins=begins,
        ),
    )
    if side == "buyer":
        _answer_by_itself(uow, conversation)
    return message


def _take(uow: UnitOfWork, conversation: Conversation, person_id: UUID) -> None:
    """Whoever answers first is responsible, until it is handed over."""
    name = uow.session.get_one(Person, person_id).name
    conversation.assigned_to, conversation.assigned_name = person_id, name
    add_message(uow, conversation, "seller", kind="handover", person_id=person_id, text=name, assigned_to=person_id)


def _require_order(uow: UnitOfWork, conversation: Conversation, side: Side, order_id: UUID) -> None:
    uow.principal.require("orders.read" if side == "buyer" else "seller.orders.read")
    between = (
        Order.id == order_id,
        Order.buyer_org_id == conversation.buyer_org_id,
        Order.seller_org_id == conversation.seller_org_id,
    )
    if uow.session.scalar(select(Order.id).where(*between)) is None:
        raise NotFound("not_found")


def _sent_already(
    uow: UnitOfWork, conversation: Conversation, person_id: UUID, text: str, file: SentFile | None
) -> ConversationMessage | None:
    """The same file with the same words by the same person a moment ago: the button was pressed twice."""
    if file is None:
        return None
    return uow.session.scalars(
        select(ConversationMessage)
        .where(
            ConversationMessage.conversation_id == conversation.id,
            ConversationMessage.number > conversation.last_number - 3,
            ConversationMessage.person_id == person_id,
            ConversationMessage.sha256 == file.stored.sha256,
            ConversationMessage.text == text,
            ConversationMessage.created_at > clock.now() - TWICE,
        )
        .limit(1)
    ).one_or_none()


def _begins(uow: UnitOfWork, conversation: Conversation, side: Side) -> bool:
    """Whether the other side is to be told: this one did not write a moment ago."""
    last = uow.session.scalars(
        select(ConversationMessage)
        .where(ConversationMessage.conversation_id == conversation.id, ConversationMessage.kind == "written")
        .order_by(ConversationMessage.number.desc())
        .limit(1)
    ).one_or_none()
    return last is None or last.side != side or last.created_at + PAUSE <= clock.now()


def _count(uow: UnitOfWork, person_id: UUID) -> None:
    org_id = uow.principal.organization()
    with as_platform(uow):
        count_within(uow, OF_PERSON, TOO_OFTEN, "conversation_person", str(person_id), str(org_id))
        count_within(uow, OF_ORGANIZATION, TOO_OFTEN, "conversation_organization", str(org_id))


def _file(file: SentFile | None) -> dict[str, Any]:
    if file is None:
        return {}
    return {
        "file_key": file.stored.key,
        "file_name": plain_text(file.file_name)[:200] or "file",
        "media_type": file.media_type,
        "size_bytes": file.stored.size_bytes,
        "sha256": file.stored.sha256,
    }


def _answer_by_itself(uow: UnitOfWork, conversation: Conversation) -> None:
    """Outside its hours the seller's own words answer, once while it is closed."""
    window = service_window_of(uow, conversation.seller_org_id)
    now = clock.now()
    if not (window.answer or window.answer_en) or is_open(window.hours, now):
        return
    since = closed_since(window.hours, now)
    last = conversation.answered_by_itself_at
    if last is not None and (since is None or last >= since):
        return
    conversation.answered_by_itself_at = now
    answer, answer_en = window.answer or window.answer_en, window.answer_en or window.answer
    add_message(uow, conversation, "seller", kind="automatic", text=answer, text_en=answer_en)
