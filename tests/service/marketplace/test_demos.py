"""Demos: a seller's hours become times, a time is one buyer's, and both sides have it in their calendars."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from icalendar import Calendar
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError
from kernel.ids import uuid7
from kernel.signing import TokenSigner
from marketplace.access.members import list_members, remove_member
from marketplace.catalog.models import Plan
from marketplace.demos.book_demo import ask_with_time, book_demo, cancel_demo
from marketplace.demos.calendar import SaveHours, free_slots, save_hours
from marketplace.demos.days import MOST, AddDemoDay, add_demo_day, list_demo_days, remove_demo_day
from marketplace.demos.end_request import plan_request, withdraw_request
from marketplace.demos.models import DemoBooking, DemoDay
from marketplace.demos.queries import booking_of
from marketplace.demos.slots import AHEAD_DAYS, NOTICE, Hours, Slot, slots_of
from marketplace.leads.create_lead import CreateLead
from marketplace.leads.models import Lead
from marketplace.leads.work_lead import PlanLead
from marketplace.mail import jobs as mail_jobs
from marketplace.mail.compose import Composer, MailContent
from marketplace.mail.folder_transport import FolderTransport
from marketplace.mail.models import Mail
from tests.conftest import NOON
from tests.factories_marketplace import Org, acting, make_member, make_org, make_plans, make_seller, per_seat_plan

EVERY_DAY = SaveHours((1, 2, 3, 4, 5, 6, 7), 9 * 60, 11 * 60, 60)


COMPOSER = Composer(TokenSigner([bytes(range(32))]), public_url="https://market.example", sender="m@market.example")


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
    return made


@pytest.fixture
def buyer(uow: UnitOfWork) -> Org:
    return make_org(uow)


@pytest.fixture
def plan(uow: UnitOfWork, seller: Org) -> Plan:
    return make_plans(uow, seller, per_seat_plan())[0]


def ask(uow: UnitOfWork, buyer: Org, plan: Plan, starts_at: datetime | None = None, kind: str = "demo") -> Lead:
    with acting(uow, buyer.owner):
        return ask_with_time(uow, CreateLead(kind, plan.listing_id, "?"), starts_at)


def local(slot: Slot) -> datetime:
    return slot.starts_at.astimezone(ZoneInfo("Asia/Shanghai"))


def overlap(one: Slot, other: Slot) -> bool:
    return one.starts_at < other.ends_at and other.starts_at < one.ends_at


def mails(uow: UnitOfWork, person: Org) -> list[Mail]:
    wanted = select(Mail).where(Mail.person_id == person.owner.person(), Mail.kind.like("demo_%"))
    return list(uow.session.scalars(wanted.order_by(Mail.id)))


def calendar_of(mail: Mail) -> Any:
    message = COMPOSER.compose(
        MailContent(mail.id, mail.to_address, mail.kind, mail.locale, mail.created_at, mail.params)
    )
    (part,) = [one for one in message.walk() if one.get_content_type() == "text/calendar"]
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    found = Calendar.from_ical(content)
    assert part.get_param("method") == str(found["method"])
    return found


class TestSlots:
    @example({*range(1, 8)}, 0, 176, 22, "Australia/Lord_Howe", datetime(2026, 9, 20, tzinfo=UTC))
    @given(
        st.sets(st.integers(1, 7)),
        st.integers(0, 1439),
        st.integers(1, 1440),
        st.integers(15, 240),
        st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
        st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    )
    def test_each_is_within_the_hours_and_none_overlaps(
        self, days: set[int], begins: int, ends: int, length: int, zone: str, now: datetime
    ) -> None:
        hours = Hours(days, begins, max(ends, begins + 1), length, zone)
        found = list(slots_of(hours, now))
        for one in found:
            assert one.ends_at - one.starts_at == timedelta(minutes=length)
            assert now + NOTICE <= one.starts_at <= now + timedelta(days=AHEAD_DAYS + 2)
        assert all(one.ends_at <= other.starts_at for one, other in itertools.pairwise(found))
        if found:
            taken = found[0]
            assert taken not in list(slots_of(hours, now, [taken]))
            assert len(list(slots_of(hours, now, [taken]))) == len(found) - 1

    def test_an_hour_that_the_clocks_leave_out_has_none(self) -> None:
        hours = Hours({7}, 2 * 60, 4 * 60, 60, "Europe/Berlin")
        eve = datetime(2026, 3, 28, 12, tzinfo=UTC)
        assert next(iter(slots_of(hours, eve))) == Slot(
            datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 3, 29, 2, tzinfo=UTC)
        )

    def test_a_time_into_which_the_one_before_the_gap_runs_has_none(self) -> None:
        hours = Hours({7}, 60, 4 * 60, 50, "Europe/Berlin")
        found = list(slots_of(hours, datetime(2026, 3, 28, 12, tzinfo=UTC)))
        # At 1:50 one begins that lasts until 3:40; the next of the clock's, at 3:30, would begin within it.
        assert found[:2] == [
            Slot(datetime(2026, 3, 29, 0, tzinfo=UTC), datetime(2026, 3, 29, 0, 50, tzinfo=UTC)),
            Slot(datetime(2026, 3, 29, 0, 50, tzinfo=UTC), datetime(2026, 3, 29, 1, 40, tzinfo=UTC)),
        ]
        assert all(one.ends_at <= other.starts_at for one, other in itertools.pairwise(found))


class TestCalendar:
    def test_a_day_off_takes_the_weekly_hours_away_and_a_single_time_stands_beside_them(
        self, uow: UnitOfWork, buyer: Org, seller: Org, plan: Plan
    ) -> None:
        usual = free_slots(uow, seller.id)
        day = clock.today("Asia/Shanghai") + timedelta(days=3)
        booked = next(one for one in usual if local(one).date() == day)
        lead = ask(uow, buyer, plan, booked.starts_at)
        with acting(uow, seller.owner):
            off = add_demo_day(uow, AddDemoDay(day))
            assert add_demo_day(uow, AddDemoDay(day)).id == off.id
            single = add_demo_day(uow, AddDemoDay(day, 20 * 60 + 15))
            assert [one.id for one in list_demo_days(uow)] == [off.id, single.id]
        with acting(uow, make_org(uow).owner):
            found = free_slots(uow, seller.id)
        assert [f"{local(one):%H:%M}" for one in found if local(one).date() == day] == ["20:15"]
        seen = booking_of(uow, lead.id)
        assert seen is not None
        assert (seen.state, seen.starts_at) == ("booked", booked.starts_at), "what is booked stays"
        with acting(uow, seller.owner):
            for one in (off, single):
                remove_demo_day(uow, one.id)
            assert list_demo_days(uow) == []
        assert free_slots(uow, seller.id) == [one for one in usual if one != booked]

    def test_a_single_time_that_overlaps_weekly_ones_is_never_given_twice(
        self, uow: UnitOfWork, buyer: Org, seller: Org, plan: Plan
    ) -> None:
        day = clock.today("Asia/Shanghai") + timedelta(days=3)
        with acting(uow, seller.owner):
            add_demo_day(uow, AddDemoDay(day, 9 * 60 + 30))
        single = next(one for one in free_slots(uow, seller.id) if f"{local(one):%d %H:%M}" == f"{day:%d} 09:30")
        overlapping = [one for one in free_slots(uow, seller.id) if one != single and overlap(one, single)]
        assert len(overlapping) == 2
        ask(uow, buyer, plan, single.starts_at)
        assert not [one for one in free_slots(uow, seller.id) if overlap(one, single)]
        for one in overlapping:
            with pytest.raises(DomainError, match="slot_not_offered"):
                ask(uow, make_org(uow), plan, one.starts_at)

    def test_the_database_itself_refuses_two_that_overlap(
        self, uow: UnitOfWork, buyer: Org, seller: Org, plan: Plan
    ) -> None:
        slot = free_slots(uow, seller.id)[0]
        lead, other = ask(uow, buyer, plan, slot.starts_at), make_org(uow)
        second = ask(uow, other, plan)
        half = timedelta(minutes=30)
        row = {"lead_id": second.id, "buyer_org_id": other.id, "seller_org_id": lead.seller_org_id, "state": "booked"}
        with pytest.raises(IntegrityError, match="ex_demo_booking_overlap"), uow.session.begin_nested():
            uow.session.execute(
                insert(DemoBooking).values(
                    id=uuid7(), **row, starts_at=slot.starts_at + half, ends_at=slot.ends_at + half, sequence=0
                )
            )

    def test_notice_and_horizon_are_the_sellers_own(self, uow: UnitOfWork, seller: Org) -> None:
        with acting(uow, seller.owner):
            save_hours(uow, replace(EVERY_DAY, notice_minutes=3 * 1440, ahead_days=30))
        found = free_slots(uow, seller.id)
        assert found[0].starts_at >= NOON + timedelta(days=3)
        assert timedelta(days=29) < found[-1].starts_at - NOON <= timedelta(days=31)
        with acting(uow, seller.owner):
            save_hours(uow, replace(EVERY_DAY, notice_minutes=0, ahead_days=1))
        assert all(one.starts_at - NOON < timedelta(days=2) for one in free_slots(uow, seller.id))

    def test_single_times_alone_need_no_weekly_hours(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        day = clock.today("Asia/Shanghai") + timedelta(days=1)
        with acting(uow, seller.owner):
            add_demo_day(uow, AddDemoDay(day, 8 * 60))
        (only,) = free_slots(uow, seller.id)
        assert f"{local(only):%H:%M}" == "08:00"

    def test_what_is_no_day_and_whose_it_is_not(self, uow: UnitOfWork, buyer: Org, seller: Org) -> None:
        today = clock.today("Asia/Shanghai")
        with acting(uow, seller.owner):
            for never in (
                AddDemoDay(today - timedelta(days=1)),
                AddDemoDay(today + timedelta(days=366)),
                AddDemoDay(today, -1),
                AddDemoDay(today, 1440),
            ):
                with pytest.raises(DomainError, match="demo_day_invalid"):
                    add_demo_day(uow, never)
            made = add_demo_day(uow, AddDemoDay(today))
        with acting(uow, make_member(uow, seller, "finance")), pytest.raises(DomainError, match="permission_missing"):
            add_demo_day(uow, AddDemoDay(today))
        with acting(uow, buyer.owner), pytest.raises(DomainError, match="not_a_seller"):
            add_demo_day(uow, AddDemoDay(today))
        with acting(uow, make_seller(uow).owner), pytest.raises(DomainError, match="demo_day_not_found"):
            remove_demo_day(uow, made.id)

    def test_there_is_room_for_so_many_and_what_is_past_is_forgotten(self, uow: UnitOfWork, seller: Org) -> None:
        today = clock.today("Asia/Shanghai")
        with acting(uow, seller.owner):
            for minute in range(MOST):
                add_demo_day(uow, AddDemoDay(today, minute))
            with pytest.raises(DomainError, match="demo_days_full"):
                add_demo_day(uow, AddDemoDay(today))
            clock.advance(timedelta(days=1))
            add_demo_day(uow, AddDemoDay(today + timedelta(days=2)))
            assert len(list_demo_days(uow)) == 1
        kept = select(func.count()).select_from(DemoDay).where(DemoDay.org_id == seller.id)
        assert uow.session.scalar(kept) == 1


class TestBooking:
    def test_booked_moved_and_given_up_it_stands_in_both_calendars(
        self, uow: UnitOfWork, buyer: Org, seller: Org, plan: Plan
    ) -> None:
        first, second = free_slots(uow, seller.id)[:2]
        lead = ask(uow, buyer, plan, first.starts_at)
        ask(uow, buyer, plan, first.starts_at)
        with acting(uow, seller.owner):
            book_demo(uow, lead.id, second.starts_at)
        with acting(uow, buyer.owner):
            cancel_demo(uow, lead.id)
            cancel_demo(uow, lead.id)
        for side in (buyer, seller):
            sent = mails(uow, side)
            assert [mail.kind for mail in sent] == ["demo_booked", "demo_moved", "demo_cancelled"]
            found = [calendar_of(mail) for mail in sent]
            assert [str(one["method"]) for one in found] == ["PUBLISH", "PUBLISH", "CANCEL"]
            entries = [one.walk("VEVENT")[0] for one in found]
            assert [int(one["sequence"]) for one in entries] == [0, 1, 2]
            assert len({str(one["uid"]) for one in entries}) == 1
            assert [one["dtstart"].dt for one in entries] == [first.starts_at, second.starts_at, second.starts_at]
            assert str(entries[-1]["status"]) == "CANCELLED"
            other = seller if side is buyer else buyer
            assert other.email not in str(found), "neither side learns the other's address"
        assert free_slots(uow, seller.id)[:2] == [first, second]
        with acting(uow, buyer.owner):
            book_demo(uow, lead.id, first.starts_at)
            seen = booking_of(uow, lead.id)
        assert seen is not None
        assert (seen.state, seen.sequence) == ("booked", 3)

    def test_a_time_is_one_buyers(self, uow: UnitOfWork, buyer: Org, seller: Org, plan: Plan) -> None:
        slot = free_slots(uow, seller.id)[0]
        lead = ask(uow, buyer, plan, slot.starts_at)
        other = make_org(uow)
        with pytest.raises(DomainError, match="slot_not_offered"):
            ask(uow, other, plan, slot.starts_at)
        with acting(uow, other.owner):
            assert slot not in free_slots(uow, seller.id)
            assert uow.session.scalars(select(DemoBooking)).all() == []
            with pytest.raises(DomainError, match="lead_not_found"):
                book_demo(uow, lead.id, slot.starts_at)
            with pytest.raises(DomainError, match="lead_not_found"):
                cancel_demo(uow, lead.id)

    @pytest.mark.parametrize("end", ["withdrawn", "lost"])
    def test_a_request_that_ends_gives_its_time_free(
        self, uow: UnitOfWork, buyer: Org, seller: Org, plan: Plan, end: str
    ) -> None:
        slot = free_slots(uow, seller.id)[0]
        lead = ask(uow, buyer, plan, slot.starts_at)
        if end == "lost":
            with acting(uow, seller.owner):
                plan_request(uow, PlanLead(lead.id, None, None, "lost"))
        else:
            with acting(uow, buyer.owner):
                withdraw_request(uow, lead.id)
        assert slot in free_slots(uow, seller.id)
        assert [mail.kind for mail in mails(uow, buyer)] == ["demo_booked", "demo_cancelled"]
        with acting(uow, buyer.owner), pytest.raises(DomainError, match="lead_closed"):
            book_demo(uow, lead.id, slot.starts_at)

    def test_who_left_is_told_nothing(self, uow: UnitOfWork, buyer: Org, seller: Org, plan: Plan) -> None:
        colleague = make_member(uow, seller, "catalog")
        with acting(uow, colleague):
            save_hours(uow, EVERY_DAY)
        lead = ask(uow, buyer, plan)
        with acting(uow, seller.owner):
            members = {one.person_id: one.id for one in list_members(uow)}
            remove_member(uow, members[colleague.person()])
        first, second = free_slots(uow, seller.id)[:2]
        with acting(uow, buyer.owner):
            book_demo(uow, lead.id, first.starts_at)
        told = select(Mail.person_id).where(Mail.org_id == seller.id, Mail.kind == "demo_booked")
        assert uow.session.scalars(told).all() == [seller.owner.person_id]
        assigned = make_member(uow, seller, "catalog")
        with acting(uow, seller.owner):
            plan_request(uow, PlanLead(lead.id, assigned.person_id, None))
            book_demo(uow, lead.id, second.starts_at)
        told = select(Mail.person_id).where(Mail.org_id == seller.id, Mail.kind == "demo_moved")
        assert uow.session.scalars(told).all() == [assigned.person_id]

    def test_what_cannot_be_booked(self, uow: UnitOfWork, buyer: Org, seller: Org, plan: Plan) -> None:
        slot = free_slots(uow, seller.id)[0]
        quote = ask(uow, buyer, plan, kind="quote")
        with acting(uow, buyer.owner), pytest.raises(DomainError, match="not_a_demo"):
            book_demo(uow, quote.id, slot.starts_at)
        for never in (slot.starts_at + timedelta(minutes=1), NOON, NOON - timedelta(days=1), NOON + timedelta(days=40)):
            with pytest.raises(DomainError, match="slot_not_offered"):
                ask(uow, buyer, plan, never)
        lead = ask(uow, buyer, plan)
        with acting(uow, make_member(uow, seller, "finance")), pytest.raises(DomainError, match="permission_missing"):
            book_demo(uow, lead.id, slot.starts_at)

    @pytest.mark.parametrize(
        "hours",
        [
            SaveHours((1,), 600, 600, 30),
            SaveHours((1,), 600, 620, 30),
            SaveHours((1,), -1, 620, 30),
            SaveHours((1,), 0, 1441, 30),
            SaveHours((1,), 0, 1440, 14),
            SaveHours((1,), 0, 1440, 241),
            SaveHours((0,), 0, 1440, 30),
            SaveHours((8,), 0, 1440, 30),
            SaveHours((1,), 0, 1440, 30, -1),
            SaveHours((1,), 0, 1440, 30, 14 * 1440 + 1),
            SaveHours((1,), 0, 1440, 30, 0, 0),
            SaveHours((1,), 0, 1440, 30, 0, 91),
        ],
    )
    def test_hours_that_are_none(self, uow: UnitOfWork, seller: Org, hours: SaveHours) -> None:
        with acting(uow, seller.owner), pytest.raises(DomainError, match="demo_hours_invalid"):
            save_hours(uow, hours)

    def test_who_sells_nothing_or_may_not_gives_none(self, uow: UnitOfWork, buyer: Org, seller: Org) -> None:
        with acting(uow, buyer.owner), pytest.raises(DomainError, match="not_a_seller"):
            save_hours(uow, EVERY_DAY)
        with acting(uow, make_member(uow, seller, "finance")), pytest.raises(DomainError, match="permission_missing"):
            save_hours(uow, EVERY_DAY)
        with acting(uow, seller.owner):
            save_hours(uow, SaveHours((), 0, 60, 30))
        assert free_slots(uow, seller.id) == []
        assert free_slots(uow, uuid7()) == []
