"""Who of a seller's people takes care of a ticket: taken once, handed over with a note, told to whom it goes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict, NotFound
from kernel.principal import SYSTEM, Principal
from marketplace.notifications.models import Notification
from orders.notifications.notify_of_events import NOTIFY
from orders.tickets.hand_over import hand_ticket_over, take_ticket
from orders.tickets.models import Ticket
from orders.tickets.queries import get_seller_ticket, list_seller_tickets, ticket_handovers
from orders.tickets.work_ticket import close_ticket
from tests.factories_billing import do_sweep
from tests.factories_marketplace import make_member, make_seller
from tests.loop.test_tickets import Desk, desk, frozen, order_id
from tests.races.forced import every_order_of_twins, interleaved

__all__ = ["desk", "frozen", "order_id"]


@pytest.fixture
def colleague(desk: Desk) -> Principal:
    with unit_of_work(desk.db, SYSTEM) as uow:
        return make_member(uow, desk.stage.seller, "catalog")


@pytest.fixture(autouse=True)
def closed(desk: Desk) -> Iterator[None]:
    """What others count with the clock further on has no ticket of these that waits."""
    yield
    open_ones = select(Ticket.id).where(Ticket.buyer_org_id == desk.stage.buyer.id, Ticket.state != "closed")
    for ticket_id in desk.do(SYSTEM, lambda uow: list(uow.session.scalars(open_ones))):
        desk.do(desk.stage.buyer.owner, lambda uow, one=ticket_id: close_ticket(uow, one).id)  # type: ignore[misc]


def had(desk: Desk, ticket_id: UUID) -> list[tuple[UUID | None, str]]:
    rows = desk.do(desk.stage.seller.owner, lambda uow: ticket_handovers(uow, ticket_id))
    return [(one.person_id, one.note) for one in rows]


def carer(desk: Desk, ticket_id: UUID) -> UUID | None:
    return desk.do(desk.stage.seller.owner, lambda uow: get_seller_ticket(uow, ticket_id)).assigned_to


def told_of_handover(desk: Desk, ticket_id: UUID) -> list[UUID | None]:
    do_sweep(desk.db, NOTIFY)
    of_it = Notification.path == f"/seller/tickets/{ticket_id}", Notification.kind == "ticket_handed_over"
    return desk.do(SYSTEM, lambda uow: list(uow.session.scalars(select(Notification.person_id).where(*of_it))))


def test_whoever_answers_first_has_it_until_it_is_handed_over(desk: Desk, order_id: UUID, colleague: Principal) -> None:
    ticket_id, owner = desk.open(order_id), desk.stage.seller.owner
    assert carer(desk, ticket_id) is None
    desk.answer(ticket_id)
    desk.answer(ticket_id, "And restart.")
    assert had(desk, ticket_id) == [(owner.person_id, "")]
    for _ in range(2):
        desk.do(owner, lambda uow: hand_ticket_over(uow, ticket_id, colleague.person_id, "Has the logs.").id)
    assert had(desk, ticket_id) == [(owner.person_id, ""), (colleague.person_id, "Has the logs.")]
    assert told_of_handover(desk, ticket_id) == [colleague.person_id]
    # From now on what the buyer writes is told to whom it concerns.
    desk.say(ticket_id)
    do_sweep(desk.db, NOTIFY)
    written = Notification.path == f"/seller/tickets/{ticket_id}", Notification.kind == "ticket_written"
    people = desk.do(SYSTEM, lambda uow: set(uow.session.scalars(select(Notification.person_id).where(*written))))
    assert people == {colleague.person_id}
    desk.do(colleague, lambda uow: hand_ticket_over(uow, ticket_id, None).id)
    assert carer(desk, ticket_id) is None


def test_what_one_takes_oneself_is_no_news(desk: Desk, order_id: UUID, colleague: Principal) -> None:
    ticket_id = desk.open(order_id)
    for _ in range(2):
        desk.do(colleague, lambda uow: take_ticket(uow, ticket_id).id)
    assert had(desk, ticket_id) == [(colleague.person_id, "")]
    assert told_of_handover(desk, ticket_id) == []
    with pytest.raises(Conflict, match="ticket_taken"):
        desk.do(desk.stage.seller.owner, lambda uow: take_ticket(uow, ticket_id).id)


@every_order_of_twins
def test_two_take_at_once_and_one_has_it(desk: Desk, order_id: UUID, colleague: Principal, order: str) -> None:
    ticket_id = desk.open(order_id)
    answers = interleaved(
        desk.db,
        order,
        lambda: transact(desk.db, colleague, lambda uow: take_ticket(uow, ticket_id).assigned_to),
        lambda: transact(desk.db, desk.stage.seller.owner, lambda uow: take_ticket(uow, ticket_id).assigned_to),
    )
    assert [one for one in answers if isinstance(one, str)] == ["ticket_taken"]
    assert had(desk, ticket_id) == [(carer(desk, ticket_id), "")]


def test_it_goes_to_those_who_may_and_is_the_sellers_affair(desk: Desk, order_id: UUID) -> None:
    ticket_id, owner = desk.open(order_id), desk.stage.seller.owner
    with unit_of_work(desk.db, SYSTEM) as uow:
        viewer, stranger = make_member(uow, desk.stage.seller, "finance"), make_seller(uow)
    for person in (viewer, stranger.owner, desk.stage.buyer.owner):
        with pytest.raises(NotFound, match="member_not_found"):
            desk.do(owner, lambda uow, to=person.person_id: hand_ticket_over(uow, ticket_id, to).id)  # type: ignore[misc]
    for who in (desk.stage.buyer.owner, stranger.owner):
        for act in (
            lambda uow: take_ticket(uow, ticket_id).id,
            lambda uow: hand_ticket_over(uow, ticket_id, None).id,
            lambda uow: get_seller_ticket(uow, ticket_id).assigned_to,
        ):
            with pytest.raises(NotFound, match="ticket_not_found"):
                desk.do(who, act)
        assert desk.do(who, lambda uow: list(ticket_handovers(uow, ticket_id))) == []
    desk.do(desk.stage.buyer.owner, lambda uow: close_ticket(uow, ticket_id).id)
    with pytest.raises(Conflict, match="ticket_closed"):
        desk.do(owner, lambda uow: take_ticket(uow, ticket_id).id)


def test_a_board_of_ones_own_and_of_what_nobody_has(desk: Desk, order_id: UUID, colleague: Principal) -> None:
    mine, nobodys, closed = desk.open(order_id), desk.open(order_id), desk.open(order_id)
    desk.do(colleague, lambda uow: take_ticket(uow, mine).id)
    desk.do(desk.stage.buyer.owner, lambda uow: close_ticket(uow, closed).id)

    def listed(who: Principal, assigned: str) -> set[UUID]:
        found = desk.do(who, lambda uow: list_seller_tickets(uow, limit=100, assigned=assigned))  # type: ignore[arg-type]
        return {one.ticket.id for one in found.items} & {mine, nobodys, closed}

    assert listed(colleague, "mine") == {mine}
    assert listed(colleague, "nobody") == {nobodys}
    assert listed(desk.stage.seller.owner, "mine") == set()


def test_by_pages(
    desk: Desk, order_id: UUID, colleague: Principal, browser: TestClient[Any], seller_browser: TestClient[Any]
) -> None:
    ticket_id = desk.open(order_id)
    path = f"/seller/tickets/{ticket_id}"

    def post(act: str, who: TestClient[Any] = seller_browser, **fields: str) -> Any:
        fields["csrf"] = who.headers["x-csrf-token"]
        return who.post(f"{path}/{act}", data=fields, follow_redirects=False)

    assert f"{path}/take" in seller_browser.get(path).text
    assert path in seller_browser.get("/seller/tickets?assigned=nobody").text
    assert post("take").status_code == 303
    assert path in seller_browser.get("/seller/tickets?assigned=mine").text
    assert f"{path}/take" not in seller_browser.get(path).text
    assert post("assignee", person_id=str(colleague.person_id), note="Knows the customer.").status_code == 303
    assert "Knows the customer." in seller_browser.get(path).text
    assert "Knows the customer." not in browser.get(f"/tickets/{ticket_id}").text
    assert post("take").status_code == 409
    long = post("assignee", person_id="", note="x" * 1_001)
    assert (long.status_code, 'id="note-wrong"' in long.text) == (422, True)
    assert post("take", browser).status_code in {403, 404}
