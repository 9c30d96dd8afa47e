"""Requests at the same moment: a double click and two colleagues make one; a flood gets no further than its limit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from kernel.db.uow import Database, transact, unit_of_work
from kernel.principal import SYSTEM
from kernel.signing import TokenSigner
from marketplace.demos.book_demo import book_demo, cancel_demo
from marketplace.demos.calendar import SaveHours, free_slots, save_hours
from marketplace.demos.models import DemoBooking
from marketplace.leads.consent_text import CONSENT_VERSION, FOLLOW_VERSION
from marketplace.leads.create_lead import Contact, CreateLead, create_lead
from marketplace.leads.follow_channel import FollowForContact, follow_for_contact
from marketplace.leads.messages import send_message
from marketplace.leads.models import Lead
from marketplace.leads.work_lead import PlanLead, plan_lead, withdraw_lead
from marketplace.mail import jobs as mail_jobs
from marketplace.mail.compose import Composer
from marketplace.mail.folder_transport import FolderTransport
from tests.factories_marketplace import Org, make_channel, make_org, make_plans, make_seller, per_seat_plan
from tests.races.forced import every_order, every_order_of_twins, interleaved

pytestmark = pytest.mark.races


@pytest.fixture(autouse=True)
def mails(tmp_path: Path) -> None:
    """What is booked is told by mail."""
    composer = Composer(TokenSigner([bytes(range(32))]), public_url="https://market.example", sender="m@market.example")
    mail_jobs.register(FolderTransport(tmp_path), composer)


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


@every_order_of_twins
def test_two_colleagues_follow_for_two_products(
    db: Database, buyer: Org, seller: Org, listing_id: UUID, order: str
) -> None:
    with unit_of_work(db, SYSTEM) as uow:
        channel_id = make_channel(uow, seller).id
        other_id = make_plans(uow, seller, per_seat_plan())[0].listing_id
    contact = Contact("王芳", "wang@firm.example", FOLLOW_VERSION)

    def follow(listing: UUID) -> Callable[[], object]:
        command = FollowForContact(channel_id, listing, contact)
        return lambda: transact(db, buyer.owner, lambda uow: follow_for_contact(uow, command).id)

    first, second = interleaved(db, order, follow(listing_id), follow(other_id))
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


@every_order_of_twins
def test_two_buyers_book_one_time(db: Database, buyer: Org, seller: Org, listing_id: UUID, order: str) -> None:
    with unit_of_work(db, seller.owner) as uow:
        save_hours(uow, SaveHours((1, 2, 3, 4, 5, 6, 7), 0, 1440, 60))
        starts_at = free_slots(uow, seller.id)[3].starts_at
    with unit_of_work(db, SYSTEM) as uow:
        other = make_org(uow)
    leads = {org.id: ask(db, org, listing_id) for org in (buyer, other)}

    def booking(org: Org) -> Callable[[], object]:
        return lambda: transact(db, org.owner, lambda uow: book_demo(uow, leads[org.id], starts_at).id)

    told = interleaved(db, order, booking(buyer), booking(other))
    assert [one for one in told if isinstance(one, str)] in (["slot_taken"], ["slot_not_offered"])
    with unit_of_work(db, SYSTEM) as uow:
        taken = select(DemoBooking).where(DemoBooking.seller_org_id == seller.id, DemoBooking.state == "booked")
        assert len(uow.session.scalars(taken).all()) == 1


@every_order
def test_moved_by_one_side_and_given_up_by_the_other(
    db: Database, buyer: Org, seller: Org, listing_id: UUID, order: str
) -> None:
    with unit_of_work(db, seller.owner) as uow:
        save_hours(uow, SaveHours((1, 2, 3, 4, 5, 6, 7), 0, 1440, 60))
        first, second = free_slots(uow, seller.id)[3:5]
    lead_id = ask(db, buyer, listing_id)
    transact(db, buyer.owner, lambda uow: book_demo(uow, lead_id, first.starts_at).id)
    interleaved(
        db,
        order,
        lambda: transact(db, seller.owner, lambda uow: book_demo(uow, lead_id, second.starts_at).id),
        lambda: transact(db, buyer.owner, lambda uow: cancel_demo(uow, lead_id)),
    )
    with unit_of_work(db, SYSTEM) as uow:
        found = uow.session.scalars(select(DemoBooking).where(DemoBooking.lead_id == lead_id)).one()
    assert found.sequence == 2, "each change is one"


@every_order
def test_a_contact_given_later_against_a_withdrawal(db: Database, buyer: Org, listing_id: UUID, order: str) -> None:
    lead_id = ask(db, buyer, listing_id)
    contact = Contact("王芳", "wang@firm.example", CONSENT_VERSION)
    again = CreateLead("demo", listing_id, contact=contact)
    _, withdrawn = interleaved(
        db,
        order,
        lambda: transact(db, buyer.owner, lambda uow: create_lead(uow, again).id),
        lambda: transact(db, buyer.owner, lambda uow: withdraw_lead(uow, lead_id).state),
    )
    assert withdrawn == "withdrawn"
    with unit_of_work(db, SYSTEM) as uow:
        found = uow.session.get_one(Lead, lead_id)
    assert (found.state, found.contact_email) == ("withdrawn", ""), "a closed request keeps no contact"
