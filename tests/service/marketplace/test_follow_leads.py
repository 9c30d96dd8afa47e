"""Followers who want to be contacted: a lead with the words that they agreed to, one of an organization and channel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError
from kernel.ids import uuid7
from marketplace.catalog.models import Plan
from marketplace.channels.models import Channel
from marketplace.channels.queries import get_channel
from marketplace.leads.consent_text import CONSENT_VERSION, FOLLOW_VERSION, consent_text
from marketplace.leads.create_lead import OF_PERSON, Contact, CreateLead, create_lead
from marketplace.leads.follow_channel import FollowForContact, follow_for_contact
from marketplace.leads.models import Lead
from marketplace.leads.queries import get_seller_lead, messages_of
from marketplace.leads.work_lead import PlanLead, plan_lead, withdraw_lead
from tests.conftest import NOON
from tests.factories_marketplace import (
    acting,
    make_channel,
    make_member,
    make_org,
    make_plans,
    make_seller,
    per_seat_plan,
)

CONTACT = Contact("王芳", "Wang@firm.example", FOLLOW_VERSION, "+86 571 0000", "en")


class Followed:
    """A seller's channel with two products on sale, and somebody else's organization."""

    def __init__(self, uow: UnitOfWork) -> None:
        self.uow = uow
        self.seller, self.buyer = make_seller(uow, name="1号直聘"), make_org(uow, name="杭州某某")
        self.channel: Channel = make_channel(uow, self.seller)
        self.first: Plan = make_plans(uow, self.seller, per_seat_plan())[0]
        self.second: Plan = make_plans(uow, self.seller, per_seat_plan())[0]

    def ask(self, plan: Plan | None = None, contact: Contact = CONTACT, who: Any = None, text: str = "") -> Lead:
        listing_id = (plan or self.first).listing_id
        with acting(self.uow, who or self.buyer.owner):
            return follow_for_contact(self.uow, FollowForContact(self.channel.id, listing_id, contact, text))

    def refusal(self, plan: Plan | None = None, contact: Contact = CONTACT, who: Any = None) -> str:
        with pytest.raises(DomainError) as refused:
            self.ask(plan, contact, who)
        return refused.value.code

    def asked(self) -> list[Lead]:
        return list(self.uow.session.scalars(select(Lead).where(Lead.seller_org_id == self.seller.id)))


@pytest.fixture
def followed(uow: UnitOfWork) -> Iterator[Followed]:
    with clock.frozen(NOON):
        yield Followed(uow)


def test_the_seller_reads_who_followed_and_under_which_words(followed: Followed, uow: UnitOfWork) -> None:
    lead = followed.ask(text="下周可以聊聊")
    with acting(uow, followed.seller.owner):
        seen = get_seller_lead(uow, lead.id).lead
    assert (seen.kind, seen.channel_id, seen.listing_id) == ("consult", followed.channel.id, followed.first.listing_id)
    assert (seen.contact_email, seen.consent_version) == ("wang@firm.example", FOLLOW_VERSION)
    assert seen.consent_text == consent_text("en", "1号直聘", "follow")
    assert seen.consent_text != consent_text("en", "1号直聘")
    assert [one.text for one in messages_of(uow, lead.id)] == ["下周可以聊聊"]
    with acting(uow, followed.buyer.owner):
        assert get_channel(uow, followed.channel.id).followed


def test_of_an_organization_and_a_channel_one_is_open_whatever_product(followed: Followed, uow: UnitOfWork) -> None:
    lead = followed.ask()
    colleague = make_member(uow, followed.buyer, "viewer")
    again = followed.ask(followed.second, replace(CONTACT, email="li@firm.example"), colleague, "还有一个问题")
    assert (again.id, again.listing_id, again.contact_email) == (lead.id, followed.first.listing_id, "li@firm.example")
    assert len(followed.asked()) == 1
    other = make_org(uow)
    assert followed.ask(who=other.owner).id != lead.id


@pytest.mark.parametrize("end", ["won", "lost", "withdrawn"])
def test_a_closed_one_may_be_asked_anew(followed: Followed, uow: UnitOfWork, end: str) -> None:
    lead = followed.ask()
    if end == "withdrawn":
        with acting(uow, followed.buyer.owner):
            withdraw_lead(uow, lead.id)
        assert (lead.contact_name, lead.contact_email, lead.contact_phone) == ("", "", "")
    else:
        with acting(uow, followed.seller.owner):
            plan_lead(uow, PlanLead(lead.id, None, None, end))
    assert followed.ask(followed.second).id != lead.id


def test_what_was_asked_of_the_product_before_is_given_the_contact(followed: Followed, uow: UnitOfWork) -> None:
    with acting(uow, followed.buyer.owner):
        before = create_lead(uow, CreateLead("consult", followed.first.listing_id, "Do you have an API?"))
    lead = followed.ask()
    assert (lead.id, lead.contact_email, lead.channel_id) == (before.id, "wang@firm.example", None)


def test_without_consent_nothing_is_kept(followed: Followed, uow: UnitOfWork) -> None:
    assert followed.refusal(contact=replace(CONTACT, consent_version="")) == "consent_required"
    assert followed.refusal(contact=replace(CONTACT, consent_version=CONSENT_VERSION)) == "consent_outdated"
    assert followed.refusal(contact=replace(CONTACT, email="", phone=" ")) == "email_invalid"
    assert followed.asked() == []
    assert followed.ask(contact=replace(CONTACT, email="")).contact_phone == CONTACT.phone


def test_it_is_another_organizations_channel_and_a_product_of_its_own(followed: Followed, uow: UnitOfWork) -> None:
    assert followed.refusal(who=followed.seller.owner) == "own_channel"
    theirs = make_plans(uow, make_seller(uow), per_seat_plan())[0]
    assert followed.refusal(theirs) == "listing_not_found"
    followed.channel = Channel(id=uuid7(), org_id=followed.seller.id)
    assert followed.refusal() == "channel_not_found"


def test_a_flood_gets_no_further_than_other_requests(followed: Followed, uow: UnitOfWork) -> None:
    for _ in range(OF_PERSON.attempts):
        lead = followed.ask()
        with acting(uow, followed.buyer.owner):
            withdraw_lead(uow, lead.id)
    assert followed.refusal() == "leads_too_often"
