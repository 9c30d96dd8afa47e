"""What each side reads of its threads: the inbox with what is unread, and one thread with its messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, bindparam, exists, func, literal_column, select
from sqlalchemy.orm import aliased

from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.paging import Page, bounded, cut, newest_first
from marketplace.access.models import Person
from marketplace.notifications.queries import MOST_COUNTED
from marketplace.parties.models import Organization
from orders.conversations.models import Conversation, ConversationMessage, ConversationReading
from orders.conversations.sides import MANAGE, Side, side_of
from orders.order.models import Order, OrderLine

Filter = Literal["unread", "mine", "unassigned"]
FILTERS: tuple[Filter, ...] = ("unread", "mine", "unassigned")
LATEST_THREADS = 200
"""Looked through for what is unread, whenever a page is shown."""
BUYER_FILTERS: tuple[Filter, ...] = ("unread",)


@dataclass(frozen=True, slots=True)
class ConversationView:
    """A thread as the acting side sees it. `unread`: of the other side's messages, by the acting person."""

    id: UUID
    buyer_org_id: UUID
    buyer_name: str
    seller_org_id: UUID
    seller_name: str
    state: str
    assigned_to: UUID | None
    assigned_name: str | None
    last_number: int
    last_at: datetime
    last_side: str
    last_text: str
    """The beginning of the latest message; empty where that is a file or an order alone."""
    unread: int
    is_muted: bool
    """To the buyer; the seller is told False."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OrderCard:
    """An order of both sides as a message shows it."""

    order_id: UUID
    number: str
    state: str
    title: str
    title_en: str


@dataclass(frozen=True, slots=True)
class ConversationMessageView:
    """A message. `author`: of one's own side the person, else empty. `text`: of a handover the name of who is responsible."""

    id: UUID
    number: int
    side: str
    kind: str
    author: str
    text: str
    text_en: str | None
    order_id: UUID | None
    order: OrderCard | None
    """None as well for whoever may not read orders."""
    file_name: str | None
    media_type: str | None
    size_bytes: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ConversationFile:
    """What of a message is stored."""

    key: str
    file_name: str
    media_type: str


def list_own_conversations(
    uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20, only: Filter | None = None
) -> Page[ConversationView]:
    """Those with sellers, the latest message first. `only`: `unread` ones."""
    mine = Conversation.buyer_org_id == uow.principal.organization()
    return _listed(uow, "buyer", mine, cursor, limit, only)


def list_seller_conversations(
    uow: UnitOfWork,
    *,
    cursor: str | None = None,
    limit: int = 20,
    only: Filter | None = None,
) -> Page[ConversationView]:
    """Those of the acting seller, the latest message first. Raises Forbidden(`permission_missing`) without leads.manage."""
    uow.principal.require(MANAGE)
    return _listed(uow, "seller", Conversation.seller_org_id == uow.principal.organization(), cursor, limit, only)


def get_conversation(uow: UnitOfWork, conversation_id: UUID) -> ConversationView:
    """One of the acting organization's. Raises NotFound(`conversation_not_found`), Forbidden(`permission_missing`)."""
    row, side = find_conversation(uow, conversation_id)
    return _one(uow, side, Conversation.id == row.id)


def find_conversation(uow: UnitOfWork, conversation_id: UUID) -> tuple[Conversation, Side]:
    """The row, and which side of it acts. Raises as `get_conversation`."""
    row = uow.session.get(Conversation, conversation_id)
    if row is None:
        raise NotFound("conversation_not_found")
    return row, side_of(uow, row)


def list_messages(
    uow: UnitOfWork, conversation_id: UUID, *, cursor: str | None = None, limit: int = 50
) -> Page[ConversationMessageView]:
    """What was written, the newest first; the cursor is the number that the page begins before. Raises as `get_conversation`."""
    row, side = find_conversation(uow, conversation_id)
    before = _number(cursor)
    size = bounded(limit)
    found = (
        select(ConversationMessage, Person.name)
        .join(
            Person,
            (Person.id == ConversationMessage.person_id) & (ConversationMessage.side == side),
            isouter=True,
        )
        .where(ConversationMessage.conversation_id == row.id)
        .order_by(ConversationMessage.number.desc())
        .limit(size + 1)
    )
    if before is not None:
        found = found.where(ConversationMessage.number < before)
    rows = uow.session.execute(found).all()
    kept = rows[:size]
    cards = _cards(uow, side, [one.order_id for one, _ in kept if one.order_id is not None])
    items = [_message(one, name, cards) for one, name in kept]
    return Page(items, str(kept[-1][0].number) if len(rows) > size else None)


def find_file(uow: UnitOfWork, conversation_id: UUID, message_id: UUID) -> ConversationFile:
    """The file of a message. Raises as `get_conversation`; NotFound(`not_found`) where there is none."""
    row, _ = find_conversation(uow, conversation_id)
    found = uow.session.get(ConversationMessage, message_id)
    if found is None or found.conversation_id != row.id or found.file_key is None:
        raise NotFound("not_found")
    return ConversationFile(found.file_key, found.file_name or "file", found.media_type or "application/octet-stream")


def orders_between(
    uow: UnitOfWork, buyer_id: UUID, seller_id: UUID, side: Side, *, limit: int = 20
) -> Sequence[OrderCard]:
    """The latest orders of the two, for whoever may read orders on this side; else none."""
    if not uow.principal.may("orders.read" if side == "buyer" else "seller.orders.read"):
        return []
    latest = (
        select(Order.id)
        .where(Order.buyer_org_id == buyer_id, Order.seller_org_id == seller_id)
        .order_by(Order.created_at.desc(), Order.id.desc())
        .limit(bounded(limit))
    )
    cards = _cards(uow, side, list(uow.session.scalars(latest)))
    return sorted(cards.values(), key=lambda one: one.number, reverse=True)


def conversation_marks(uow: UnitOfWork, conversation_ids: Sequence[UUID]) -> dict[UUID, str]:
    """For each thread a text that changes whenever it does, in one statement. For watching, not for reading. Platform only."""
    mark = func.concat_ws("|", Conversation.last_number, Conversation.state, Conversation.assigned_to)
    rows = uow.session.execute(select(Conversation.id, mark).where(Conversation.id.in_(conversation_ids)))
    return {conversation_id: str(found) for conversation_id, found in rows}


def unread_threads(side: Side) -> Select[Any]:
    """How many of `org_id`'s latest threads on a side hold something that `person_id` has not read; `MOST_COUNTED` at most."""
    org_id, person_id = bindparam("org_id", type_=Uuid), bindparam("person_id", type_=Uuid)
    own = Conversation.seller_org_id if side == "seller" else Conversation.buyer_org_id
    latest = (
        select(Conversation.id, Conversation.last_number)
        .where(own == org_id)
        .order_by(Conversation.last_at.desc(), Conversation.id.desc())
        .limit(LATEST_THREADS)
        .subquery()
    )
    read = (
        select(ConversationReading.read_number)
        .where(
            ConversationReading.conversation_id == latest.c.id,
            ConversationReading.org_id == org_id,
            ConversationReading.person_id == person_id,
        )
        .scalar_subquery()
    )
    read_number = func.coalesce(read, 0)
    message = exists().where(
        ConversationMessage.conversation_id == latest.c.id,
        ConversationMessage.number > read_number,
        ConversationMessage.side != side,
        ConversationMessage.kind != literal_column("'handover'"),
    )
    found = select(latest.c.id).where(latest.c.last_number > read_number, message).limit(MOST_COUNTED).subquery()
    return select(func.count()).select_from(found)


def _number(cursor: str | None) -> int | None:
    if not cursor:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 12):
        raise Invalid("cursor_invalid", field="cursor")
    return int(cursor)


def _listed(
    uow: UnitOfWork, side: Side, mine: ColumnElement[bool], cursor: str | None, limit: int, only: Filter | None
) -> Page[ConversationView]:
    statement, reading = _threads(uow, side)
    statement = statement.where(mine)
    if only == "unread":
        statement = statement.where(_unread(reading, side) > 0)
    elif only == "mine":
        statement = statement.where(Conversation.assigned_to == uow.principal.person())
    elif only == "unassigned":
        statement = statement.where(Conversation.assigned_to.is_(None))
    rows = uow.session.execute(newest_first(statement, Conversation.last_at, Conversation.id, cursor, limit)).all()
    return cut([_view(row, side) for row in rows], limit, lambda one: (one.last_at, one.id))


def _one(uow: UnitOfWork, side: Side, condition: ColumnElement[bool]) -> ConversationView:
    statement, _ = _threads(uow, side)
    return _view(uow.session.execute(statement.where(condition)).one(), side)


def _reading(uow: UnitOfWork) -> Any:
    del uow
    return aliased(ConversationReading)


def _is_read_of(uow: UnitOfWork, reading: Any) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = (
        (reading.conversation_id == Conversation.id)
        & (reading.org_id == uow.principal.organization())
        & (reading.person_id == uow.principal.person_id)
    )
    return condition


def _unread(reading: Any, side: Side) -> Any:
    """How many of the other side's messages come after the last that was read. Who is responsible is no message."""
    return (
        select(func.count())
        .where(
            ConversationMessage.conversation_id == Conversation.id,
            ConversationMessage.number > func.coalesce(reading.read_number, 0),
            ConversationMessage.side != side,
            ConversationMessage.kind != "handover",
        )
        .correlate(Conversation, reading)
        .scalar_subquery()
    )


def _threads(uow: UnitOfWork, side: Side) -> tuple[Select[Any], Any]:
    reading = _reading(uow)
    latest = aliased(ConversationMessage)
    statement: Select[Any] = (
        select(Conversation, latest, Organization.display_name, _unread(reading, side).label("unread"))
        .join(
            latest,
            (latest.conversation_id == Conversation.id) & (latest.number == Conversation.last_number),
        )
        .join(Organization, Organization.id == Conversation.seller_org_id)
        .join(reading, _is_read_of(uow, reading), isouter=True)
    )
    return statement, reading


def _view(row: Any, side: Side) -> ConversationView:
    thread, latest, seller_name, unread = row
    return ConversationView(
        thread.id,
        thread.buyer_org_id,
        thread.buyer_name,
        thread.seller_org_id,
        seller_name,
        thread.state,
        thread.assigned_to,
        thread.assigned_name,
        thread.last_number,
        thread.last_at,
        latest.side,
        "" if latest.kind == "handover" else latest.text[:120],
        unread,
        side == "buyer" and thread.muted_at is not None,
        thread.created_at,
    )


def _cards(uow: UnitOfWork, side: Side, order_ids: Sequence[UUID]) -> Mapping[UUID, OrderCard]:
    """What the orders are, to whoever may read orders on this side; to anybody else a message says only that it names one."""
    may_read = uow.principal.may("orders.read" if side == "buyer" else "seller.orders.read")
    if not order_ids or not may_read:
        return {}
    rows = uow.session.execute(
        select(Order.id, Order.number, Order.state, _title("title"), _title("title_en"))
        .join(OrderLine, OrderLine.order_id == Order.id)
        .where(Order.id.in_(order_ids))
        .order_by(OrderLine.id.desc())
    )
    return {row.id: OrderCard(row.id, row.number, row.state, row.title or "", row.title_en or "") for row in rows}


def _title(name: str) -> ColumnElement[str]:
    found: ColumnElement[str] = OrderLine.plan[name].astext.label(name)
    return found


def _message(row: ConversationMessage, name: str | None, cards: Mapping[UUID, OrderCard]) -> ConversationMessageView:
    return ConversationMessageView(
        row.id,
        row.number,
        row.side,
        row.kind,
        name or "",
        row.text,
        row.text_en,
        row.order_id,
        cards.get(row.order_id) if row.order_id is not None else None,
        row.file_name,
        row.media_type,
        row.size_bytes,
        row.created_at,
    )
