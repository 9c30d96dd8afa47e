"""Tickets: the clock of the first answer in the seller's hours, who is told, escalated, resolved, closed and rated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest
from sqlalchemy import select

from kernel import clock
from kernel.db.uow import UnitOfWork, unit_of_work
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.ids import uuid7
from kernel.principal import SYSTEM, Principal
from kernel.storage import StoredObject
from marketplace.notifications.models import Notification
from marketplace.service_windows.hours import after_service_time
from marketplace.service_windows.response_time import shown_response_time
from marketplace.service_windows.save_window import SaveServiceWindow, save_service_window, service_window_of
from orders.conversations.write import SentFile
from orders.notifications.notify_of_events import NOTIFY
from orders.order.models import ORDER
from orders.response_times.count_answers import BEHIND, OwnResponseTime, count_answers, own_response_time
from orders.tickets.jobs import SWEEP_TICKETS
from orders.tickets.models import Ticket
from orders.tickets.queries import (
    TicketView,
    get_ticket,
    list_escalated_tickets,
    list_own_tickets,
    list_seller_tickets,
    ticket_messages,
)
from orders.tickets.work_ticket import (
    FIRST_ANSWER,
    REOPENED_WITHIN,
    OpenTicket,
    close_ticket,
    may_have_tickets,
    open_ticket,
    write_on_ticket,
)
from tests.factories_billing import do_sweep
from tests.factories_marketplace import OPERATOR_PRINCIPAL, make_member, make_seller
from tests.loop_stage import Stage

T = TypeVar("T")


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with clock.frozen(clock.now()):
        yield


@pytest.fixture
def order_id(stage: Stage) -> UUID:
    bought = stage.buy()
    stage.run()
    return bought


class Desk:
    """Both sides of a stage."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.db = stage, stage.services.db

    def do(self, who: Principal, work: Callable[[UnitOfWork], T]) -> T:
        with unit_of_work(self.db, who) as uow:
            return work(uow)

    def open(self, order_id: UUID, severity: str = "normal") -> UUID:
        asked = OpenTicket(order_id, "A seat", "It does not open.", severity)
        opened = self.do(self.stage.buyer.owner, lambda uow: open_ticket(uow, asked).id)
        # What happened before the present is told by the next reading alone.
        do_sweep(self.db, NOTIFY)
        return opened

    def answer(self, ticket_id: UUID, text: str = "Try again.", **more: Any) -> None:
        self.do(self.stage.seller.owner, lambda uow: write_on_ticket(uow, ticket_id, text, **more).id)

    def say(self, ticket_id: UUID, text: str = "Still not.") -> None:
        self.do(self.stage.buyer.owner, lambda uow: write_on_ticket(uow, ticket_id, text).id)

    def seen(self, ticket_id: UUID) -> TicketView:
        return self.do(self.stage.buyer.owner, lambda uow: get_ticket(uow, ticket_id))

    def row(self, ticket_id: UUID) -> Ticket:
        with unit_of_work(self.db, SYSTEM) as uow:
            found = uow.session.get_one(Ticket, ticket_id)
            uow.session.expunge(found)
            return found

    def sweep_until(self, at: Any) -> None:
        clock.advance(max(at - clock.now(), timedelta(0)))
        do_sweep(self.db, SWEEP_TICKETS)

    def told(self, ticket_id: UUID) -> list[str]:
        do_sweep(self.db, NOTIFY)
        with unit_of_work(self.db, SYSTEM) as uow:
            rows = uow.session.execute(
                select(Notification.kind).where(Notification.path.endswith(f"/tickets/{ticket_id}")).distinct()
            )
            return sorted(kind for (kind,) in rows)


@pytest.fixture
def desk(stage: Stage) -> Desk:
    return Desk(stage)


def test_the_first_answer_is_due_in_the_sellers_hours(desk: Desk, order_id: UUID) -> None:
    window = SaveServiceWindow((1, 2, 3, 4, 5), 540, 1080)
    desk.do(desk.stage.seller.owner, lambda uow: save_service_window(uow, window))
    hours = desk.do(desk.stage.seller.owner, lambda uow: service_window_of(uow, desk.stage.seller.id).hours)
    for severity, term in FIRST_ANSWER.items():
        ticket = desk.seen(desk.open(order_id, severity))
        assert ticket.first_due_at == after_service_time(hours, clock.now(), term)
        assert (ticket.state, ticket.is_late, ticket.severity) == ("open", False, severity)


def test_a_late_answer_is_told_to_the_owners_and_then_to_the_platform(desk: Desk, order_id: UUID) -> None:
    ticket_id = desk.open(order_id, "critical")
    due_at = desk.row(ticket_id).first_due_at
    desk.sweep_until(due_at - timedelta(seconds=1))
    assert desk.row(ticket_id).breached_at is None
    desk.sweep_until(due_at)
    late = desk.row(ticket_id)
    assert late.breached_at == due_at
    assert late.due_at is not None
    assert desk.told(ticket_id) == ["ticket_breached", "ticket_opened"]
    desk.sweep_until(late.due_at)
    escalated = desk.row(ticket_id)
    assert (escalated.escalated_at, escalated.due_at) == (clock.now(), None)
    listed = desk.do(OPERATOR_PRINCIPAL, lambda uow: list_escalated_tickets(uow, limit=100).items)
    assert ticket_id in {one.id for one in listed}
    desk.answer(ticket_id)
    listed = desk.do(OPERATOR_PRINCIPAL, lambda uow: list_escalated_tickets(uow, limit=100).items)
    assert ticket_id not in {one.id for one in listed}
    assert desk.seen(ticket_id).is_late


def test_an_answer_stops_the_clock_and_both_sides_are_told(desk: Desk, order_id: UUID) -> None:
    ticket_id = desk.open(order_id)
    clock.advance(timedelta(minutes=5))
    desk.answer(ticket_id)
    answered = desk.row(ticket_id)
    assert (answered.state, answered.first_answered_at, answered.due_at) == ("waiting_buyer", clock.now(), None)
    clock.advance(timedelta(minutes=5))
    desk.say(ticket_id)
    desk.answer(ticket_id, "And now?")
    assert desk.row(ticket_id).first_answered_at == answered.first_answered_at
    assert desk.told(ticket_id) == ["ticket_answered", "ticket_opened", "ticket_written"]
    said = desk.do(desk.stage.seller.owner, lambda uow: ticket_messages(uow, ticket_id))
    assert [(one.number, one.side, bool(one.author)) for one in said] == [
        (1, "buyer", False),
        (2, "seller", True),
        (3, "buyer", False),
        (4, "seller", True),
    ]


def test_what_was_resolved_is_open_again_within_days_and_closes_after_them(desk: Desk, order_id: UUID) -> None:
    ticket_id = desk.open(order_id)
    desk.answer(ticket_id, "Done.", resolves=True)
    assert desk.seen(ticket_id).closes_at == clock.now() + REOPENED_WITHIN
    desk.say(ticket_id)
    assert desk.row(ticket_id).state == "waiting_seller"
    desk.answer(ticket_id, "Done now.", resolves=True)
    due_at = desk.row(ticket_id).due_at
    assert due_at is not None
    clock.advance(REOPENED_WITHIN)
    # Due, though the sweep has not come by.
    with pytest.raises(Conflict, match="ticket_closed"):
        desk.say(ticket_id)
    desk.sweep_until(due_at)
    assert (desk.row(ticket_id).state, desk.row(ticket_id).due_at) == ("closed", None)
    with pytest.raises(Conflict, match="ticket_closed"):
        desk.answer(ticket_id)


def test_the_buyer_closes_and_rates_once(desk: Desk, order_id: UUID) -> None:
    ticket_id, buyer = desk.open(order_id), desk.stage.buyer.owner
    desk.answer(ticket_id)
    for rating, text in ((0, ""), (6, ""), (None, "fine")):
        with pytest.raises(Invalid, match="ticket_rating_unknown"):
            desk.do(buyer, lambda uow, r=rating, t=text: close_ticket(uow, ticket_id, rating=r, text=t))  # type: ignore[misc]
    with pytest.raises(NotFound, match="ticket_not_found"):
        desk.do(desk.stage.seller.owner, lambda uow: close_ticket(uow, ticket_id))
    desk.do(buyer, lambda uow: close_ticket(uow, ticket_id).id)
    assert desk.seen(ticket_id).rating is None
    for _ in range(2):
        desk.do(buyer, lambda uow: close_ticket(uow, ticket_id, rating=5, text="Fast.").id)
    with pytest.raises(Conflict, match="ticket_closed"):
        desk.do(buyer, lambda uow: close_ticket(uow, ticket_id, rating=1))
    assert (desk.seen(ticket_id).rating, desk.seen(ticket_id).rating_text) == (5, "Fast.")
    assert "ticket_rated" in desk.told(ticket_id)


def test_who_may_open_one_and_on_what(desk: Desk, order_id: UUID) -> None:
    with unit_of_work(desk.db, SYSTEM) as uow:
        developer = make_member(uow, desk.stage.buyer, "catalog")
        stranger = make_seller(uow)
    asked = OpenTicket(order_id, "x", "y")
    with pytest.raises(Forbidden, match="permission_missing"):
        desk.do(developer, lambda uow: open_ticket(uow, asked))
    for who in (stranger.owner, desk.stage.seller.owner):
        with pytest.raises(NotFound):
            desk.do(who, lambda uow: open_ticket(uow, asked))
    with pytest.raises(NotFound):
        desk.do(desk.stage.buyer.owner, lambda uow: open_ticket(uow, OpenTicket(uuid7(), "x", "y")))
    with pytest.raises(Invalid, match="ticket_severity_unknown"):
        desk.open(order_id, "urgent")
    unpaid = {"pending_approval", "pending_payment", "rejected", "expired", "cancelled"}
    assert {state for state in ORDER.states if not may_have_tickets(state)} - {"draft"} == unpaid
    ticket_id = desk.open(order_id)
    with pytest.raises(NotFound, match="ticket_not_found"):
        desk.do(stranger.owner, lambda uow: get_ticket(uow, ticket_id))
    with pytest.raises(Conflict, match="ticket_resolved_by_seller"):
        desk.do(desk.stage.buyer.owner, lambda uow: write_on_ticket(uow, ticket_id, "x", resolves=True))


def test_a_file_sent_twice_is_one_message(desk: Desk, order_id: UUID) -> None:
    ticket_id = desk.open(order_id)
    file = SentFile(StoredObject("conversations/x", 3, "0" * 64), "text/plain", "a.txt")
    for _ in range(2):
        desk.answer(ticket_id, "See this.", file=file)
    assert desk.row(ticket_id).last_number == 2


def test_lists_and_the_response_time(desk: Desk, order_id: UUID) -> None:
    def count() -> OwnResponseTime:
        clock.advance(BEHIND + timedelta(seconds=1))
        desk.do(SYSTEM, count_answers)
        return desk.do(desk.stage.seller.owner, own_response_time)

    before = count()
    ticket_id = desk.open(order_id)
    clock.advance(timedelta(minutes=7))
    desk.answer(ticket_id)
    after = count()
    assert (after.counted - before.counted, after.in_time - before.in_time) == (1, 1)
    assert after.median_s is not None
    own = desk.do(desk.stage.buyer.owner, lambda uow: list_own_tickets(uow, limit=1, state="waiting_buyer"))
    sold = desk.do(desk.stage.seller.owner, lambda uow: list_seller_tickets(uow, limit=1, state="waiting_buyer"))
    assert (own.items[0].id, sold.items[0].ticket.id) == (ticket_id, ticket_id)
    with pytest.raises(NotFound, match="organization_not_found"):
        desk.do(desk.stage.buyer.owner, lambda uow: shown_response_time(uow, desk.stage.buyer.id))
