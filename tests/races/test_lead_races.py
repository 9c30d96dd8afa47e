"""Requests at the same moment: a double click and two colleagues make one; a flood gets no further than its limit."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select

from kernel.db.uow import Database, transact, unit_of_work
from kernel.principal import SYSTEM
from marketplace.leads.create_lead import CreateLead, create_lead
from marketplace.leads.messages import send_message
from marketplace.leads.models import Lead
from marketplace.leads.work_lead import PlanLead, plan_lead, withdraw_lead
from tests.factories_marketplace import Org, make_org, make_plans, make_seller, per_seat_plan
from tests.races.forced import every_order, every_order_of_twins, interleaved

pytestmark = pytest.mark.races


@pytest.fixture
def buyer(db: Database) -> Org:
    with unit_of_work(db, SYSTEM) as uow:
        return make_org(uow)


@pytest.fixture
def seller(db: Database) -> Org:
    with unit_of_work(db, SYSTEM) as uow:
        return make_seller(uow)


@pytest.fixture
def listing_id(db: Database, seller: Org) -> UUID:
    with unit_of_work(db, SYSTEM) as uow:
        return make_plans(uow, seller, per_seat_plan())[0].listing_id


def ask(db: Database, buyer: Org, listing_id: UUID) -> UUID:
    return transact(db, buyer.owner, lambda uow: create_lead(uow, CreateLead("demo", listing_id)).id)


def state(db: Database, lead_id: UUID) -> str:
    with unit_of_work(db, SYSTEM) as uow:
        return uow.session.get_one(Lead, lead_id).state


@every_order_of_twins
def test_a_double_click(db: Database, buyer: Org, listing_id: UUID, order: str) -> None:
    first, second = interleaved(db, order, lambda: ask(db, buyer, listing_id), lambda: ask(db, buyer, listing_id))
    assert first == second
    with unit_of_work(db, SYSTEM) as uow:
        assert uow.session.scalars(select(Lead.id).where(Lead.buyer_org_id == buyer.id)).all() == [first]


@every_order
def test_an_answer_against_a_withdrawal(db: Database, buyer: Org, seller: Org, listing_id: UUID, order: str) -> None:
    lead_id = ask(db, buyer, listing_id)
    interleaved(
        db,
        order,
        lambda: transact(db, seller.owner, lambda uow: send_message(uow, lead_id, "Hello").id),
        lambda: transact(db, buyer.owner, lambda uow: withdraw_lead(uow, lead_id).state),
    )
    assert state(db, lead_id) == "withdrawn"


@every_order
def test_won_against_withdrawn(db: Database, buyer: Org, seller: Org, listing_id: UUID, order: str) -> None:
    lead_id = ask(db, buyer, listing_id)
    told = interleaved(
        db,
        order,
        lambda: transact(db, seller.owner, lambda uow: plan_lead(uow, PlanLead(lead_id, None, None, "won")).state),
        lambda: transact(db, buyer.owner, lambda uow: withdraw_lead(uow, lead_id).state),
    )
    assert sorted(map(str, told)) == sorted([state(db, lead_id), "lead_closed"])
