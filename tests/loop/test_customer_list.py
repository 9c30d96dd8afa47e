"""A seller's customers: who bought or asked, with what is in force, paid and due."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import permutations
from typing import Any, Literal
from uuid import UUID

import pytest
from sqlalchemy import select

from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Invalid
from kernel.money import Money
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.leads.create_lead import CreateLead, create_lead
from marketplace.leads.work_lead import PlanLead, plan_lead
from marketplace.relations.models import CustomerRelation
from marketplace.relations.note_customers import KnownCustomer, note_customers
from orders.customer_list import CustomerSummary, _customers, list_customers
from tests.factories_marketplace import make_org
from tests.loop_stage import Stage
from tests.races.crowd import at_once
from tests.statement_counter import counting


def listed(stage: Stage, who: Any = None, **how: Any) -> list[CustomerSummary]:
    with unit_of_work(stage.services.db, who or stage.seller.owner) as uow:
        return list(list_customers(uow, **how).items)


def asked(stage: Stage, who: Any) -> UUID:
    listing_id = stage.get(Plan, stage.seat_plan).listing_id
    return transact(stage.services.db, who, lambda uow: create_lead(uow, CreateLead("quote", listing_id, "?")).id)


def passers_by(stage: Stage, number: int) -> list[Any]:
    """Members of other organizations, who asked one after the other."""
    found = []
    for _ in range(number):
        clock.advance(timedelta(minutes=1))
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            found.append(make_org(uow).owner)
        asked(stage, found[-1])
    return found


def test_what_one_bought_uses_and_asked_for(stage: Stage) -> None:
    assert listed(stage) == []
    order_id = stage.buy(quantity=2)
    assert listed(stage) == [], "not before it is paid"
    stage.run()
    order = stage.order(order_id)
    (only,) = listed(stage)
    assert (only.org_id, only.name, only.last_at) == (stage.buyer.id, order.buyer_name, order.paid_at)
    assert (only.entitlements, only.ends_next_at) == (1, stage.entitlement(order_id).valid_to)
    assert only.ends_next_at is not None
    assert (only.bought, only.open_leads, only.due_on) == ([Money(order.gross_minor, "CNY")], 0, None)
    clock.advance(timedelta(hours=1))
    lead_id, due_on = asked(stage, stage.purchaser), clock.today("UTC") + timedelta(days=2)
    transact(stage.services.db, stage.seller.owner, lambda uow: plan_lead(uow, PlanLead(lead_id, None, due_on)).id)
    (only,) = listed(stage)
    assert (only.last_at, only.open_leads, only.due_on) == (clock.now(), 1, due_on)
    stage.refund(order_id)
    stage.run()
    (only,) = listed(stage)
    assert (only.entitlements, only.bought) == (0, [Money(0, "CNY")])


def test_a_customer_is_one_row_in_whatever_order_it_is_noted(stage: Stage) -> None:
    """Twice, late, and by several at once: the latest of each stands, with the name it had then."""
    seller, now = stage.seller.id, clock.now()
    acts: list[tuple[Literal["bought", "asked"], int, str]] = [
        ("bought", 3, "三"), ("asked", 1, "一"), ("bought", 2, "二"), ("asked", 4, "四")
    ]  # fmt: skip

    def note(buyer: UUID, act: Literal["bought", "asked"], days: int, name: str) -> None:
        parties, at = [KnownCustomer(seller, buyer, name)] * 2, now + timedelta(days=days)
        transact(stage.services.db, SYSTEM, lambda uow: note_customers(uow, parties, act, at))

    for shuffled in permutations(acts):
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            buyer = make_org(uow).id
        note(buyer, *shuffled[0])
        at_once([partial(note, buyer, *act) for act in (*shuffled, shuffled[1])])
        (row,) = stage.rows(select(CustomerRelation).where(CustomerRelation.buyer_org_id == buyer))
        assert (row.bought_name, row.asked_name) == ("三", "四")
        assert [at - now for at in (row.bought_at, row.asked_at, row.last_at)] == [timedelta(days=n) for n in (3, 4, 4)]


def test_a_page_asks_as_much_of_many_orders_as_of_one(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list itself is read from a row for each customer; what is shown of those on the page, in three statements more."""
    for _ in range(3):
        stage.buy(quantity=1)
    stage.run()
    with unit_of_work(stage.services.db, stage.seller.owner) as uow, counting(monkeypatch) as found:
        assert len(list_customers(uow).items) == 1
        assert "orders." not in str(_customers(uow))
    assert len(found.statements) == 4


def test_money_of_a_year_alone(stage: Stage) -> None:
    stage.buy(quantity=1)
    stage.run()
    clock.advance(timedelta(days=366))
    (only,) = listed(stage)
    assert (only.bought, only.entitlements) == ((), 0)


def test_found_by_name_and_by_state_page_by_page(stage: Stage) -> None:
    stage.buy(quantity=1)
    stage.run()
    passers = passers_by(stage, 3)
    everybody = listed(stage)
    assert [one.org_id for one in everybody] == [*(who.organization() for who in reversed(passers)), stage.buyer.id]
    assert [one.org_id for one in listed(stage, state="active")] == [stage.buyer.id]
    assert [one.org_id for one in listed(stage, state="asking")] == [one.org_id for one in everybody[:3]]
    name = everybody[-1].name
    assert stage.buyer.id in {one.org_id for one in listed(stage, q=name.upper())}
    assert listed(stage, q="100%_\\") == []
    walked: list[CustomerSummary] = []
    cursor = None
    for _ in range(4):
        with unit_of_work(stage.services.db, stage.seller.owner) as uow:
            page = list_customers(uow, cursor=cursor, limit=1)
        walked += page.items
        cursor = page.next_cursor
    assert (walked, cursor) == (everybody, None)
    with pytest.raises(Invalid):
        listed(stage, cursor="x")


def test_of_nobody_else_and_requests_for_whoever_may_see_them(stage: Stage) -> None:
    stage.buy(quantity=1)
    stage.run()
    asked(stage, stage.purchaser)
    passers_by(stage, 1)
    for who in (stage.promoter.owner, stage.buyer.owner):
        assert listed(stage, who) == []
    few = replace(stage.seller.owner, permissions=stage.seller.owner.permissions - {"leads.manage"})
    (only,) = listed(stage, few)
    assert (only.org_id, only.open_leads) == (stage.buyer.id, 0)
    assert listed(stage, few, state="asking") == []
