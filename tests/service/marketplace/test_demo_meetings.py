"""Meetings of demos: a booking takes its seller's link, a change is told to both once, and nobody else reads either."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError
from marketplace.catalog.models import Plan
from marketplace.demos.book_demo import book_demo, cancel_demo
from marketplace.demos.calendar import free_slots, save_hours
from marketplace.demos.meeting import own_meeting, save_own_meeting
from marketplace.demos.models import DemoBooking, DemoMeeting
from marketplace.demos.queries import booking_of
from marketplace.demos.set_meeting import set_meeting
from marketplace.leads.models import Lead
from marketplace.mail import jobs as mail_jobs
from marketplace.mail.folder_transport import FolderTransport
from marketplace.mail.models import Mail
from tests.conftest import NOON
from tests.factories_marketplace import Org, acting, make_member, make_org, make_plans, make_seller, per_seat_plan
from tests.service.marketplace.test_demos import COMPOSER, EVERY_DAY, ask, calendar_of, mails

OWN, OTHER = "https://meeting.tencent.com/dm/3kXhTq7Yw2Lp?x=1,2", "https://vc.feishu.cn/j/123456789"


@pytest.fixture(autouse=True)
def frozen(tmp_path: Path) -> Iterator[None]:
    mail_jobs.register(FolderTransport(tmp_path), COMPOSER)
    with clock.frozen(NOON):
        yield


@pytest.fixture
def seller(uow: UnitOfWork) -> Org:
    made = make_seller(uow)
    with acting(uow, made.owner):
        save_hours(uow, EVERY_DAY)
        assert save_own_meeting(uow, f" {OWN} ") == OWN
    return made


@pytest.fixture
def buyer(uow: UnitOfWork) -> Org:
    return make_org(uow)


@pytest.fixture
def lead(uow: UnitOfWork, buyer: Org, seller: Org) -> Lead:
    (plan,) = make_plans(uow, seller, per_seat_plan())
    return booked(uow, buyer, plan)


def booked(uow: UnitOfWork, buyer: Org, plan: Plan) -> Lead:
    return ask(uow, buyer, plan, free_slots(uow, plan.org_id)[0].starts_at)


def link_of(uow: UnitOfWork, reader: Org, lead: Lead) -> str | None:
    with acting(uow, reader.owner):
        found = booking_of(uow, lead.id)
    assert found is not None
    return found.meeting_url


def entry_of(mail: Mail) -> Any:
    return calendar_of(mail).walk("VEVENT")[0]


def test_a_booking_takes_the_sellers_link_as_it_is_then(uow: UnitOfWork, buyer: Org, seller: Org, lead: Lead) -> None:
    with acting(uow, seller.owner):
        save_own_meeting(uow, OTHER)
        assert own_meeting(uow) == OTHER
        book_demo(uow, lead.id, free_slots(uow, seller.id)[0].starts_at)
    assert [link_of(uow, side, lead) for side in (buyer, seller)] == [OWN, OWN], "moved, it keeps its own"
    with acting(uow, seller.owner):
        cancel_demo(uow, lead.id)
        book_demo(uow, lead.id, free_slots(uow, seller.id)[0].starts_at)
    assert link_of(uow, buyer, lead) == OTHER, "booked anew, it takes what holds now"
    with acting(uow, seller.owner):
        for _ in range(2):
            assert save_own_meeting(uow, None) is None
        assert own_meeting(uow) is None
    assert link_of(uow, buyer, lead) == OTHER, "what is booked stays"
    with acting(uow, seller.owner):
        cancel_demo(uow, lead.id)
        book_demo(uow, lead.id, free_slots(uow, seller.id)[0].starts_at)
    assert link_of(uow, buyer, lead) is None


def test_a_change_is_told_to_both_once_and_stands_in_their_calendars(
    uow: UnitOfWork, buyer: Org, seller: Org, lead: Lead
) -> None:
    with acting(uow, seller.owner):
        for _ in range(2):
            set_meeting(uow, lead.id, OTHER)
        set_meeting(uow, lead.id, None)
    for side in (buyer, seller):
        sent = mails(uow, side)
        assert [mail.kind for mail in sent] == ["demo_booked", "demo_meeting", "demo_meeting"]
        entries = [entry_of(mail) for mail in sent]
        assert [int(one["sequence"]) for one in entries] == [0, 1, 2]
        assert len({str(one["uid"]) for one in entries}) == 1
        assert [str(one.get("conference", "")) for one in entries] == [OWN, OTHER, ""]
        assert [str(one.get("location", "")) for one in entries] == [OWN, OTHER, ""]
        assert entries[0]["conference"].params["VALUE"] == "URI"
        path = f"/requests/{lead.id}" if side is buyer else f"/seller/leads/{lead.id}"
        assert {str(one["url"]) for one in entries} == {f"https://market.example{path}"}
        assert {str(one["status"]) for one in entries} == {"CONFIRMED"}


def test_only_what_is_ahead_is_held_elsewhere(uow: UnitOfWork, buyer: Org, seller: Org, lead: Lead) -> None:
    begins = uow.session.scalars(select(DemoBooking.starts_at).where(DemoBooking.lead_id == lead.id)).one()
    with acting(uow, seller.owner):
        clock.advance(begins - clock.now() - timedelta(seconds=1))
        set_meeting(uow, lead.id, OTHER)
        clock.advance(timedelta(seconds=1))
        for url in (OWN, OTHER, None):
            with pytest.raises(DomainError, match="demo_not_ahead"):
                set_meeting(uow, lead.id, url)
    assert link_of(uow, buyer, lead) == OTHER
    assert len(mails(uow, buyer)) == 2


def test_what_is_given_up_or_was_never_booked_is_held_nowhere(
    uow: UnitOfWork, buyer: Org, seller: Org, lead: Lead
) -> None:
    (plan,) = make_plans(uow, seller, per_seat_plan())
    never = ask(uow, make_org(uow), plan)
    with acting(uow, seller.owner):
        cancel_demo(uow, lead.id)
        for one in (lead, never):
            with pytest.raises(DomainError, match="demo_not_ahead"):
                set_meeting(uow, one.id, OTHER)
    assert [mail.kind for mail in mails(uow, buyer)] == ["demo_booked", "demo_cancelled"]


def test_whose_it_is_not_neither_changes_nor_reads_it(uow: UnitOfWork, buyer: Org, seller: Org, lead: Lead) -> None:
    for stranger in (buyer, make_org(uow), make_seller(uow)):
        with acting(uow, stranger.owner):
            with pytest.raises(DomainError, match="lead_not_found"):
                set_meeting(uow, lead.id, OTHER)
            assert uow.session.scalars(select(DemoMeeting.url)).all() == []
            own = select(DemoBooking.meeting_url).where(DemoBooking.lead_id == lead.id)
            assert uow.session.scalars(own).all() == ([OWN] if stranger is buyer else [])
    with acting(uow, make_member(uow, seller, "finance")):
        for act in (lambda: set_meeting(uow, lead.id, OTHER), lambda: save_own_meeting(uow, OTHER)):
            with pytest.raises(DomainError, match="permission_missing"):
                act()
        with pytest.raises(DomainError, match="permission_missing"):
            own_meeting(uow)
    with acting(uow, buyer.owner), pytest.raises(DomainError, match="not_a_seller"):
        save_own_meeting(uow, OTHER)
    assert link_of(uow, buyer, lead) == OWN


def test_what_is_no_address_changes_nothing(uow: UnitOfWork, buyer: Org, seller: Org, lead: Lead) -> None:
    with acting(uow, seller.owner):
        for wrong in ("http://meet.example/1", "javascript:alert(1)", ""):
            with pytest.raises(DomainError, match="meeting_url_invalid"):
                save_own_meeting(uow, wrong)
            with pytest.raises(DomainError, match="meeting_url_invalid"):
                set_meeting(uow, lead.id, wrong)
        assert own_meeting(uow) == OWN
    assert (link_of(uow, buyer, lead), len(mails(uow, buyer))) == (OWN, 1)
