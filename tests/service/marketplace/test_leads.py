"""Leads: who may ask, how often, what each side sees of it, and that no contact is kept without consent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, TooMany
from kernel.ids import uuid7
from kernel.jobs.models import EventRow
from marketplace.attribution.models import Touchpoint
from marketplace.catalog.models import Listing, Plan
from marketplace.leads.consent_text import CONSENT_VERSION, consent_text
from marketplace.leads.create_lead import OF_NETWORK, OF_ORGANIZATION, OF_PERSON, Contact, CreateLead, create_lead
from marketplace.leads.messages import send_message
from marketplace.leads.models import Lead, LeadMessage, LeadNote
from marketplace.leads.queries import (
    get_own_lead,
    get_seller_lead,
    list_own_leads,
    list_seller_leads,
    messages_of,
    notes_of,
)
from marketplace.leads.work_lead import PlanLead, add_note, plan_lead, withdraw_lead
from tests.conftest import NOON
from tests.factories_marketplace import (
    Org,
    acting,
    make_member,
    make_org,
    make_plans,
    make_published_video,
    make_seller,
    per_seat_plan,
)

CONTACT = Contact("王芳", "Wang@firm.example", CONSENT_VERSION, "+86 571 0000", "en")


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


@pytest.fixture
def seller(uow: UnitOfWork) -> Org:
    return make_seller(uow, name="1号直聘")


@pytest.fixture
def buyer(uow: UnitOfWork) -> Org:
    return make_org(uow, name="杭州某某")


@pytest.fixture
def plan(uow: UnitOfWork, seller: Org) -> Plan:
    return make_plans(uow, seller, per_seat_plan())[0]


def ask(uow: UnitOfWork, buyer: Org, plan: Plan, kind: str = "quote", **more: Any) -> Lead:
    with acting(uow, buyer.owner):
        return create_lead(uow, CreateLead(kind, plan.listing_id, **more))


def refusal(uow: UnitOfWork, buyer: Org, plan: Plan, kind: str = "quote", **more: Any) -> str:
    with pytest.raises(DomainError) as refused:
        ask(uow, buyer, plan, kind, **more)
    return refused.value.code


def topics(uow: UnitOfWork, lead: Lead) -> list[str]:
    return list(uow.session.scalars(select(EventRow.topic).where(EventRow.payload["lead_id"].astext == str(lead.id))))


class TestAsking:
    def test_a_contact_is_kept_with_the_words_it_was_given_under(
        self, uow: UnitOfWork, buyer: Org, seller: Org, plan: Plan
    ) -> None:
        lead = ask(uow, buyer, plan, text="20 seats?", plan_id=plan.id, quantity=20, contact=CONTACT)
        with acting(uow, seller.owner):
            seen = get_seller_lead(uow, lead.id).lead
        assert (seen.contact_name, seen.contact_email, seen.contact_phone) == (
            "王芳",
            "wang@firm.example",
            "+86 571 0000",
        )
        assert (seen.consent_version, seen.consented_at) == (CONSENT_VERSION, NOON)
        assert seen.consent_text == consent_text("en", "1号直聘")
        assert "1号直聘" in seen.consent_text
        assert (seen.state, seen.buyer_name, seen.quantity) == ("new", "杭州某某", 20)
        assert [(one.side, one.text) for one in messages_of(uow, lead.id)] == [("buyer", "20 seats?")]

    def test_without_consent_the_seller_knows_the_organization_alone(
        self, uow: UnitOfWork, buyer: Org, seller: Org, plan: Plan
    ) -> None:
        lead = ask(uow, buyer, plan)
        with acting(uow, seller.owner):
            seen = get_seller_lead(uow, lead.id).lead
        assert (seen.contact_name, seen.contact_email, seen.contact_phone, seen.consented_at) == ("", "", "", None)

    def test_an_empty_contact_is_none_and_needs_no_consent(self, uow: UnitOfWork, buyer: Org, plan: Plan) -> None:
        lead = ask(uow, buyer, plan, contact=Contact("", " ", ""))
        assert (lead.contact_name, lead.contact_email, lead.consented_at) == ("", "", None)

    def test_a_contact_without_consent_is_refused_where_it_is_asked_already(
        self, uow: UnitOfWork, buyer: Org, plan: Plan
    ) -> None:
        ask(uow, buyer, plan)
        assert refusal(uow, buyer, plan, contact=replace(CONTACT, consent_version="")) == "consent_required"

    def test_the_database_keeps_no_contact_without_consent(self, uow: UnitOfWork, buyer: Org, plan: Plan) -> None:
        lead = ask(uow, buyer, plan)
        with pytest.raises(IntegrityError, match="no_contact_without_consent"), uow.session.begin_nested():
            uow.session.execute(
                text("UPDATE marketplace.lead SET contact_email = 'a@b.example' WHERE id = :id"), {"id": lead.id}
            )

    def test_words_that_are_in_force_no_more_are_not_agreed_to(self, uow: UnitOfWork, buyer: Org, plan: Plan) -> None:
        assert refusal(uow, buyer, plan, contact=replace(CONTACT, consent_version="2020-01")) == "consent_outdated"

    @pytest.mark.parametrize(
        ("more", "code"),
        [
            ({"kind": "trial"}, "lead_kind_unknown"),
            ({"kind": "buy"}, "lead_kind_unknown"),
            ({"kind": "consult", "text": " \n "}, "text_required"),
            ({"text": "x" * 4_001}, "text_too_long"),
            ({"quantity": 0}, "lead_quantity"),
            ({"quantity": 1_000_001}, "lead_quantity"),
            ({"plan_id": uuid7()}, "plan_not_found"),
            ({"placement_id": uuid7()}, "placement_not_found"),
            ({"contact": replace(CONTACT, email="nobody")}, "email_invalid"),
            ({"contact": replace(CONTACT, name=" ")}, "text_required"),
            ({"contact": Contact("", "", CONSENT_VERSION)}, "text_required"),
            ({"contact": replace(CONTACT, consent_version="")}, "consent_required"),
            ({"contact": Contact("", "", "", "+86 571 0000")}, "consent_required"),
        ],
    )
    def test_what_cannot_be_asked(
        self, uow: UnitOfWork, buyer: Org, plan: Plan, more: dict[str, Any], code: str
    ) -> None:
        assert refusal(uow, buyer, plan, **more) == code
        assert uow.session.scalar(select(func.count()).select_from(Lead).where(Lead.buyer_org_id == buyer.id)) == 0

    def test_nobody_asks_themselves_nor_for_what_is_not_on_sale(
        self, uow: UnitOfWork, buyer: Org, seller: Org, plan: Plan
    ) -> None:
        assert refusal(uow, seller, plan) == "own_product"
        uow.session.get_one(Listing, plan.listing_id).state = "suspended"
        uow.flush()
        assert refusal(uow, buyer, plan) == "listing_suspended"
        with acting(uow, buyer.owner), pytest.raises(NotFound):
            create_lead(uow, CreateLead("quote", uuid7()))

    def test_it_is_told(self, uow: UnitOfWork, buyer: Org, plan: Plan) -> None:
        assert topics(uow, ask(uow, buyer, plan)) == ["marketplace.lead_arrived.v1"]


class TestTwice:
    def test_the_same_again_is_the_same_request(self, uow: UnitOfWork, buyer: Org, plan: Plan) -> None:
        lead = ask(uow, buyer, plan, text="once")
        assert ask(uow, buyer, plan, text="once").id == lead.id
        assert [one.text for one in messages_of(uow, lead.id)] == ["once"]
        assert topics(uow, lead) == ["marketplace.lead_arrived.v1"]
        assert ask(uow, buyer, plan, "demo").id != lead.id

    def test_other_words_and_another_quantity_go_on_in_the_open_request(
        self, uow: UnitOfWork, buyer: Org, plan: Plan
    ) -> None:
        with acting(uow, buyer.owner):
            lead = create_lead(uow, CreateLead("quote", plan.listing_id, text="once", quantity=5))
            again = create_lead(uow, CreateLead("quote", plan.listing_id, text="twice", quantity=77))
        assert (again.id, again.quantity) == (lead.id, 77)
        assert [one.text for one in messages_of(uow, lead.id)] == ["once", "twice"]
        assert topics(uow, lead) == ["marketplace.lead_arrived.v1", "marketplace.lead_message_sent.v1"]

    def test_a_contact_given_later_stands_in_the_open_request(
        self, uow: UnitOfWork, buyer: Org, seller: Org, plan: Plan
    ) -> None:
        lead = ask(uow, buyer, plan)
        clock.advance(timedelta(hours=1))
        assert ask(uow, buyer, plan, contact=CONTACT).id == lead.id
        clock.advance(timedelta(hours=1))
        ask(uow, buyer, plan, contact=CONTACT)
        ask(uow, buyer, plan, contact=Contact("", "", ""))
        with acting(uow, seller.owner):
            seen = get_seller_lead(uow, lead.id).lead
        assert (seen.contact_email, seen.consent_version) == ("wang@firm.example", CONSENT_VERSION)
        assert seen.consented_at == NOON + timedelta(hours=1), "the consent keeps the day on which it was given"

    @pytest.mark.parametrize("end", ["won", "lost", "withdrawn"])
    def test_a_closed_one_may_be_asked_anew(
        self, uow: UnitOfWork, buyer: Org, seller: Org, plan: Plan, end: str
    ) -> None:
        lead = ask(uow, buyer, plan)
        if end == "withdrawn":
            with acting(uow, buyer.owner):
                withdraw_lead(uow, lead.id)
        else:
            with acting(uow, seller.owner):
                plan_lead(uow, PlanLead(lead.id, None, None, end))
        assert ask(uow, buyer, plan).id != lead.id


class TestFloods:
    def flood(self, uow: UnitOfWork, buyer: Org, seller: Org, times: int) -> list[str]:
        """Ask again and again for the same, withdrawn each time. What was refused, by code."""
        listing = make_plans(uow, seller, per_seat_plan())[0]
        codes: list[str] = []
        for _ in range(times):
            try:
                lead = ask(uow, buyer, listing)
            except TooMany as refused:
                codes.append(f"{refused.code} {0 < int(str(refused.params['retry_after_s'])) <= 86_400}")
                continue
            with acting(uow, buyer.owner):
                withdraw_lead(uow, lead.id)
        return codes

    def test_a_person_is_stopped_for_the_day_and_goes_on_tomorrow(
        self, uow: UnitOfWork, buyer: Org, seller: Org
    ) -> None:
        assert self.flood(uow, buyer, seller, OF_PERSON.attempts + 3) == ["leads_too_often True"] * 3
        clock.advance(timedelta(days=1, seconds=1))
        assert self.flood(uow, buyer, seller, 1) == []

    def test_an_organization_is_stopped_however_many_people_it_has(
        self, uow: UnitOfWork, buyer: Org, seller: Org
    ) -> None:
        people = [make_member(uow, buyer, "viewer") for _ in range(OF_ORGANIZATION.attempts // OF_PERSON.attempts)]
        for person in people:
            assert self.flood(uow, replace(buyer, owner=person), seller, OF_PERSON.attempts) == []
        assert self.flood(uow, buyer, seller, 1) == ["leads_too_often True"]

    def test_nor_does_it_help_to_ask_another_seller_each_time(self, uow: UnitOfWork, buyer: Org) -> None:
        codes = [code for _ in range(OF_PERSON.attempts + 2) for code in self.flood(uow, buyer, make_seller(uow), 1)]
        assert codes == ["leads_too_often True"] * 2

    def test_a_network_is_stopped_however_many_organizations_ask_from_it(
        self, uow: UnitOfWork, plan: Plan, buyer: Org
    ) -> None:
        def asked_from(network: str | None, org: Org) -> None:
            with acting(uow, org.owner):
                create_lead(uow, CreateLead("quote", plan.listing_id, "?", network_address=network))

        for _ in range(OF_NETWORK.attempts):
            asked_from("192.0.2.7", make_org(uow))
        with pytest.raises(TooMany, match="leads_too_often"):
            asked_from("192.0.2.7", buyer)
        asked_from("192.0.2.8", buyer)
        asked_from(None, make_org(uow))
        clock.advance(timedelta(days=1, seconds=1))
        asked_from("192.0.2.7", make_org(uow))

    def test_what_is_open_already_counts_nothing(self, uow: UnitOfWork, buyer: Org, plan: Plan) -> None:
        assert len({ask(uow, buyer, plan).id for _ in range(OF_PERSON.attempts + 5)}) == 1


class TestWorking:
    def test_assigned_dated_noted_and_won(self, uow: UnitOfWork, buyer: Org, seller: Org, plan: Plan) -> None:
        lead = ask(uow, buyer, plan)
        colleague = make_member(uow, seller, "catalog")
        with acting(uow, colleague):
            plan_lead(uow, PlanLead(lead.id, colleague.person_id, date(2026, 11, 30), "working"))
            add_note(uow, lead.id, "Call on Monday.")
            seen = get_seller_lead(uow, lead.id)
            assert (seen.assigned_name, seen.due_on, seen.lead.state) == ("同事", date(2026, 11, 30), "working")
            assert [(one.author, one.text) for one in notes_of(uow, lead.id)] == [("同事", "Call on Monday.")]
            assert [one.lead.id for one in list_seller_leads(uow, assigned_to=colleague.person_id).items] == [lead.id]
            plan_lead(uow, PlanLead(lead.id, None, None, "won"))
            assert list_seller_leads(uow, state="working").items == []
            with pytest.raises(Conflict, match="lead_closed"):
                plan_lead(uow, PlanLead(lead.id, None, None, "working"))
        with acting(uow, buyer.owner), pytest.raises(Conflict, match="lead_closed"):
            withdraw_lead(uow, lead.id)

    def test_only_to_a_member(self, uow: UnitOfWork, buyer: Org, seller: Org, plan: Plan) -> None:
        lead = ask(uow, buyer, plan)
        with acting(uow, seller.owner):
            for stranger in (buyer.owner.person_id, uuid7()):
                with pytest.raises(NotFound, match="member_not_found"):
                    plan_lead(uow, PlanLead(lead.id, stranger, None))
            with pytest.raises(Invalid, match="lead_state_unknown"):
                plan_lead(uow, PlanLead(lead.id, None, None, "withdrawn"))

    def test_withdrawn_its_contact_is_forgotten(self, uow: UnitOfWork, buyer: Org, seller: Org, plan: Plan) -> None:
        lead = ask(uow, buyer, plan, contact=CONTACT)
        with acting(uow, buyer.owner):
            withdraw_lead(uow, lead.id)
            withdraw_lead(uow, lead.id)
        with acting(uow, seller.owner):
            seen = get_seller_lead(uow, lead.id).lead
        assert (seen.state, seen.contact_name, seen.contact_email, seen.contact_phone) == ("withdrawn", "", "", "")


class TestWriting:
    def test_both_sides_write_and_the_state_says_whose_turn_it_is(
        self, uow: UnitOfWork, buyer: Org, seller: Org, plan: Plan
    ) -> None:
        lead = ask(uow, buyer, plan, "consult", text="How?")
        with acting(uow, seller.owner):
            send_message(uow, lead.id, "So.")
            assert get_seller_lead(uow, lead.id).lead.state == "answered"
        with acting(uow, buyer.owner):
            send_message(uow, lead.id, "And then?")
            assert get_own_lead(uow, lead.id).state == "working"
            assert [(one.side, one.text) for one in messages_of(uow, lead.id)] == [
                ("buyer", "How?"),
                ("seller", "So."),
                ("buyer", "And then?"),
            ]
            withdraw_lead(uow, lead.id)
            with pytest.raises(Conflict, match="lead_closed"):
                send_message(uow, lead.id, "Hello?")
        sent = "marketplace.lead_message_sent.v1"
        assert topics(uow, lead) == ["marketplace.lead_arrived.v1", sent, sent, "marketplace.lead_closed.v1"]

    @pytest.mark.parametrize("table", ["lead_message", "lead_note"])
    def test_what_was_written_stays(self, uow: UnitOfWork, buyer: Org, seller: Org, plan: Plan, table: str) -> None:
        lead = ask(uow, buyer, plan, text="Hello")
        with acting(uow, seller.owner):
            add_note(uow, lead.id, "Note")
        for change in (f"UPDATE marketplace.{table} SET text = 'x'", f"DELETE FROM marketplace.{table}"):
            with pytest.raises(Exception, match="permission denied"), uow.session.begin_nested():
                uow.session.execute(text(change))


class TestWhoSees:
    def test_strangers_find_nothing_and_the_buyer_no_notes(
        self, uow: UnitOfWork, buyer: Org, seller: Org, plan: Plan
    ) -> None:
        lead, stranger = ask(uow, buyer, plan, text="Hello"), make_seller(uow)
        with acting(uow, seller.owner):
            add_note(uow, lead.id, "Ours alone")
        with acting(uow, stranger.owner):
            for get in (get_own_lead, get_seller_lead):
                with pytest.raises(NotFound):
                    get(uow, lead.id)
            with pytest.raises(NotFound):
                send_message(uow, lead.id, "Hi")
            with pytest.raises(NotFound):
                plan_lead(uow, PlanLead(lead.id, None, None, "won"))
            with pytest.raises(NotFound):
                withdraw_lead(uow, lead.id)
            for table in (Lead, LeadMessage, LeadNote):
                assert uow.session.scalar(select(func.count()).select_from(table)) == 0
        with acting(uow, buyer.owner):
            assert uow.session.scalar(select(func.count()).select_from(LeadNote)) == 0
            with pytest.raises(NotFound):
                add_note(uow, lead.id, "Mine")
            with pytest.raises(NotFound):
                get_seller_lead(uow, lead.id)
        with acting(uow, seller.owner):
            with pytest.raises(NotFound):
                get_own_lead(uow, lead.id)
            with pytest.raises(NotFound):
                withdraw_lead(uow, lead.id)

    def test_of_the_seller_whoever_may(self, uow: UnitOfWork, buyer: Org, seller: Org, plan: Plan) -> None:
        lead = ask(uow, buyer, plan)
        with acting(uow, make_member(uow, seller, "finance")):
            for work in (
                lambda: list_seller_leads(uow),
                lambda: get_seller_lead(uow, lead.id),
                lambda: add_note(uow, lead.id, "x"),
                lambda: plan_lead(uow, PlanLead(lead.id, None, None, "won")),
                lambda: send_message(uow, lead.id, "x"),
            ):
                with pytest.raises(Forbidden, match="permission_missing"):
                    work()

    def test_lists_go_on_where_they_ended(self, uow: UnitOfWork, buyer: Org, seller: Org, plan: Plan) -> None:
        made = [ask(uow, buyer, plan, kind, text="?").id for kind in ("demo", "quote", "consult")]
        with acting(uow, buyer.owner):
            first = list_own_leads(uow, limit=2)
            rest = list_own_leads(uow, limit=2, cursor=first.next_cursor)
            assert [one.kind for one in list_own_leads(uow, kind="demo").items] == ["demo"]
        assert [one.id for one in (*first.items, *rest.items)] == made[::-1]
        with acting(uow, seller.owner):
            assert [one.lead.kind for one in list_seller_leads(uow, kind="consult").items] == ["consult"]


def test_a_card_that_is_asked_from_is_counted_for_its_video_once(uow: UnitOfWork, buyer: Org, plan: Plan) -> None:
    video, card = make_published_video(uow, make_seller(uow), plan)
    for _ in range(2):
        lead = ask(uow, buyer, plan, placement_id=card.id, second_ms=5_000)
    rows = select(Touchpoint.placement_id, Touchpoint.second_ms).where(
        Touchpoint.video_id == video.id, Touchpoint.kind == "lead", Touchpoint.org_id == buyer.id
    )
    assert [tuple(row) for row in uow.session.execute(rows)] == [(card.id, 5_000)]
    assert (lead.placement_id, lead.second_ms) == (card.id, 5_000)
