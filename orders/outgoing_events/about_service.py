"""What both sides' systems are told of help with orders and of what a seller and an organization write to each other.

What was written itself is read by whoever may (`/v1/tickets/{id}/messages`, `/v1/conversations/{id}/messages`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.parties.models import Organization
from marketplace.webhooks.event_types import EventData, EventType, Side, register_types
from orders.conversations.events import ConversationHandedOver, ConversationMessageSent
from orders.conversations.models import Conversation, ConversationMessage
from orders.order.models import Order
from orders.outgoing_events.event_data import PartyData
from orders.outgoing_events.facts import Addressed, RecordedFact, tells_of_event
from orders.outgoing_events.samples import BUYER, FROM, SELLER, same, sample_id
from orders.tickets.events import TicketBreached, TicketClosed, TicketEscalated, TicketOpened, TicketWritten
from orders.tickets.models import Ticket

HELP: Final = frozenset({"orders.read", "leads.manage"})
"""A buyer's people who see orders, a seller's who take care of customers."""


class TicketData(EventData):
    """A ticket, as it stands when it is told. `severity`: `low`, `normal`, `high` or `critical`."""

    ticket_id: UUID
    order_id: UUID
    order_number: str
    buyer: PartyData
    seller: PartyData
    subject: str
    severity: str
    state: str
    first_due_at: datetime
    first_answered_at: datetime | None
    escalated_at: datetime | None


class TicketWrittenData(TicketData):
    """Who wrote on it."""

    side: Literal["buyer", "seller"]


class TicketClosedData(TicketData):
    """How its buyer was helped, 1 to 5; null where it did not say."""

    rating: int | None


class ConversationMessageData(EventData):
    """A message of one side to the other. `begins`: the other side spoke last, or this one some time ago."""

    conversation_id: UUID
    message_id: UUID
    number: int
    buyer: PartyData
    seller: PartyData
    side: Literal["buyer", "seller"]
    begins: bool
    order_id: UUID | None
    has_file: bool
    sent_at: datetime


class ConversationHandedOverData(EventData):
    """Which of the seller's members takes care of a conversation from now on."""

    conversation_id: UUID
    buyer: PartyData
    person_id: UUID


_TICKET: Final[dict[str, Any]] = {
    "ticket_id": sample_id(98),
    "order_id": sample_id(10),
    "order_number": "CM-7K2M9Q",
    "buyer": BUYER,
    "seller": SELLER,
    "subject": "无法登录",
    "severity": "high",
    "state": "open",
    "first_due_at": FROM + timedelta(hours=4),
    "first_answered_at": None,
    "escalated_at": None,
}
_ANSWERED: Final = {"first_answered_at": FROM + timedelta(hours=1)}
_MESSAGE: Final = ConversationMessageData(
    conversation_id=sample_id(99),
    message_id=sample_id(100),
    number=1,
    buyer=BUYER,
    seller=SELLER,
    side="buyer",
    begins=True,
    order_id=None,
    has_file=False,
    sent_at=FROM,
)


def tell_tickets(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """The same to both."""
    rows = uow.session.execute(
        select(Ticket, Order.number, Order.buyer_name, Order.seller_name)
        .join(Order, Order.id == Ticket.order_id)
        .where(Ticket.id.in_([fact.uuid("ticket_id") for fact in facts]))
    )
    found = {row.id: (row, number, buyer, seller) for row, number, buyer, seller in rows}
    for fact in facts:
        ticket, *names = found[fact.uuid("ticket_id")]
        said = _ticket(ticket, *names)
        if fact.type in ("ticket.written", "ticket.resolved"):
            data: TicketData = TicketWrittenData(**said, side=fact.payload["side"])
        elif fact.type == "ticket.closed":
            data = TicketClosedData(**said, rating=fact.payload["rating"])
        else:
            data = TicketData(**said)
        for org_id in ticket.parties:
            yield Addressed(fact, org_id, data)


def tell_messages(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """The same to both."""
    threads = _threads(uow, facts)
    wanted = select(ConversationMessage).where(
        ConversationMessage.id.in_([fact.uuid("message_id") for fact in facts]),
        ConversationMessage.conversation_id.in_(list(threads)),
    )
    messages = {row.id: row for row in uow.session.scalars(wanted)}
    for fact in facts:
        thread, buyer, seller = threads[fact.uuid("conversation_id")]
        message = messages[fact.uuid("message_id")]
        data = ConversationMessageData(
            conversation_id=thread.id,
            message_id=message.id,
            number=message.number,
            buyer=buyer,
            seller=seller,
            side=fact.payload["side"],
            begins=fact.payload["begins"],
            order_id=message.order_id,
            has_file=message.file_key is not None,
            sent_at=message.created_at,
        )
        for org_id in thread.parties:
            yield Addressed(fact, org_id, data)


def tell_handovers(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """To the seller alone: who of its people takes care of whom is its own affair."""
    threads = _threads(uow, facts)
    for fact in facts:
        thread, buyer, _ = threads[fact.uuid("conversation_id")]
        data = ConversationHandedOverData(conversation_id=thread.id, buyer=buyer, person_id=fact.uuid("person_id"))
        yield Addressed(fact, thread.seller_org_id, data)


def _ticket(ticket: Ticket, number: str, buyer: str, seller: str) -> dict[str, Any]:
    return {
        "ticket_id": ticket.id,
        "order_id": ticket.order_id,
        "order_number": number,
        "buyer": PartyData(id=ticket.buyer_org_id, name=buyer),
        "seller": PartyData(id=ticket.seller_org_id, name=seller),
        "subject": ticket.subject,
        "severity": ticket.severity,
        "state": ticket.state,
        "first_due_at": ticket.first_due_at,
        "first_answered_at": ticket.first_answered_at,
        "escalated_at": ticket.escalated_at,
    }


def _threads(
    uow: UnitOfWork, facts: Sequence[RecordedFact]
) -> Mapping[UUID, tuple[Conversation, PartyData, PartyData]]:
    rows = uow.session.execute(
        select(Conversation, Organization.display_name)
        .join(Organization, Organization.id == Conversation.seller_org_id)
        .where(Conversation.id.in_([fact.uuid("conversation_id") for fact in facts]))
    )
    return {
        thread.id: (
            thread,
            PartyData(id=thread.buyer_org_id, name=thread.buyer_name),
            PartyData(id=thread.seller_org_id, name=name),
        )
        for thread, name in rows
    }


def _written(payload: Mapping[str, Any]) -> str:
    return "ticket.resolved" if payload["side"] == "seller" and payload["resolves"] else "ticket.written"


tells_of_event(TicketOpened, tell_tickets, "ticket.opened")
tells_of_event(TicketWritten, tell_tickets, "ticket.written", "ticket.resolved", by=_written)
tells_of_event(TicketBreached, tell_tickets, "ticket.answer_late")
tells_of_event(TicketEscalated, tell_tickets, "ticket.escalated")
tells_of_event(TicketClosed, tell_tickets, "ticket.closed")
tells_of_event(ConversationMessageSent, tell_messages, "conversation.message_sent")
tells_of_event(ConversationHandedOver, tell_handovers, "conversation.handed_over")


def _by(side: Literal["buyer", "seller"], **changes: Any) -> Mapping[Side, EventData]:
    return same(TicketWrittenData(**_TICKET | changes, side=side))


register_types(
    EventType(
        "ticket.opened",
        "买方就订单提交了工单。",
        "A buyer asks for help with an order.",
        HELP,
        same(TicketData(**_TICKET)),
    ),
    EventType(
        "ticket.written",
        "一方在工单中留言。",
        "One side wrote on a ticket.",
        HELP,
        _by("seller", state="waiting_buyer", **_ANSWERED),
    ),
    EventType(
        "ticket.resolved",
        "卖方表示工单已解决；买方 7 天内可重新打开。",
        "Its seller says that it is settled; its buyer may open it again within seven days.",
        HELP,
        _by("seller", state="resolved", **_ANSWERED),
    ),
    EventType(
        "ticket.answer_late",
        "卖方未在承诺的服务时间内首次答复。",
        "Its seller has not answered first in time.",
        HELP,
        same(TicketData(**_TICKET)),
    ),
    EventType(
        "ticket.escalated",
        "卖方再次逾期未答复，平台已介入。",
        "A second term went by without an answer: the platform looks at it.",
        HELP,
        same(TicketData(**_TICKET | {"escalated_at": FROM + timedelta(hours=8)})),
    ),
    EventType(
        "ticket.closed",
        "工单已关闭，附买方评分（如有）。",
        "It is closed, with its buyer's rating where there is one.",
        HELP,
        same(TicketClosedData(**_TICKET | {"state": "closed"} | _ANSWERED, rating=5)),
    ),
    EventType(
        "conversation.message_sent",
        "一方在对话中发出一条消息。",
        "One side wrote to the other.",
        HELP,
        same(_MESSAGE),
    ),
    EventType(
        "conversation.handed_over",
        "对话已交由卖方的另一位成员负责。",
        "Another of the seller's members takes care of a conversation.",
        frozenset({"leads.manage"}),
        {"seller": ConversationHandedOverData(conversation_id=sample_id(99), buyer=BUYER, person_id=sample_id(5))},
    ),
)
