"""Halls: who opens one and exhibits, that a contact goes to nobody without consent and comes back, and what is counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError
from marketplace.catalog.models import Plan
from marketplace.demos.end_request import withdraw_request
from marketplace.halls.booths import SaveBooth, answer_booth, invite_exhibitor, remove_booth, save_booth
from marketplace.halls.consent_text import CONSENT_VERSION, consent_text
from marketplace.halls.exchange_badge import (
    GiveBadge,
    ask_badge,
    decline_badge,
    give_badge,
    revoke_badge,
    withdraw_badge,
)
from marketplace.halls.queries import get_booth, get_hall, list_halls, list_own_booths
from marketplace.halls.register import Register, record_visit, register_visitor
from marketplace.halls.save_agenda import AgendaDraft, save_agenda
from marketplace.halls.save_hall import SaveHall, archive_hall, publish_hall, save_hall
from marketplace.halls.visitor_models import HallBadge, HallExchange
from marketplace.halls.visitor_queries import (
    count_booths,
    count_visitors,
    exchanges_of_badge,
    hall_of_lead,
    list_exchanges,
    list_visitors,
)
from marketplace.leads.models import Lead
from marketplace.leads.queries import get_seller_lead
from tests.conftest import NOON
from tests.factories_marketplace import (
    OPERATOR_PRINCIPAL,
    Org,
    acting,
    make_member,
    make_org,
    make_plans,
    make_published_video,
    make_ready_video,
    make_seller,
)
from tests.hall_stage import Fair, give, make_fair, register_at


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


@pytest.fixture
def exhibitor(uow: UnitOfWork) -> Org:
    return make_seller(uow)


@pytest.fixture
def plan(uow: UnitOfWork, exhibitor: Org) -> Plan:
    return make_plans(uow, exhibitor)[0]


@pytest.fixture
def fair(uow: UnitOfWork, exhibitor: Org, plan: Plan) -> Fair:
    return make_fair(uow, make_seller(uow), exhibitor, plan)


@pytest.fixture
def visitor(uow: UnitOfWork) -> Org:
    return make_org(uow)


def code_of(refused: pytest.ExceptionInfo[DomainError]) -> str:
    return refused.value.code


class TestHall:
    def test_it_opens_and_closes_by_the_clock_alone(self, uow: UnitOfWork, fair: Fair, visitor: Org) -> None:
        phases = []
        for hours in (0, 6, 1):
            clock.advance(timedelta(hours=hours))
            with acting(uow, visitor.owner):
                phases.append(get_hall(uow, fair.hall_id).phase)
        assert phases == ["open", "open", "closed"]

    def test_only_sellers_and_the_platform_organize(self, uow: UnitOfWork, visitor: Org) -> None:
        hall = SaveHall("展会", clock.now(), clock.now() + timedelta(days=1))
        with acting(uow, visitor.owner), pytest.raises(DomainError) as refused:
            save_hall(uow, hall)
        assert code_of(refused) == "hall_organizer_not_seller"
        with acting(uow, OPERATOR_PRINCIPAL):
            assert save_hall(uow, hall).organizer_name

    def test_a_draft_is_seen_by_its_organizer_alone_and_an_unlisted_one_by_its_link(
        self, uow: UnitOfWork, exhibitor: Org, plan: Plan, visitor: Org
    ) -> None:
        fair = make_fair(uow, exhibitor, exhibitor, plan, visibility="unlisted")
        with acting(uow, exhibitor.owner):
            draft = save_hall(uow, SaveHall("下一场", clock.now(), clock.now() + timedelta(days=1)))
        with acting(uow, visitor.owner):
            assert get_hall(uow, fair.hall_id).title_en == "Autumn fair"
            assert fair.hall_id not in {one.id for one in list_halls(uow, limit=100).items}
            with pytest.raises(DomainError) as refused:
                get_hall(uow, draft.id)
        assert code_of(refused) == "hall_not_found"

    def test_once_it_opened_its_opening_stays(self, uow: UnitOfWork, fair: Fair) -> None:
        with acting(uow, fair.organizer.owner):
            for opens_at, closes_at in ((1, 20), (-1, -1 / 2)):
                moved = SaveHall(
                    "展会",
                    clock.now() + timedelta(hours=opens_at),
                    clock.now() + timedelta(hours=closes_at),
                    id=fair.hall_id,
                )
                with pytest.raises(DomainError) as refused:
                    save_hall(uow, moved)
                assert code_of(refused) == "hall_opened_already"

    def test_an_agenda_stays_within_the_hall_and_names_what_everybody_may_watch(
        self, uow: UnitOfWork, fair: Fair, plan: Plan
    ) -> None:
        video, _ = make_published_video(uow, fair.exhibitor, plan)
        hidden = make_ready_video(uow, fair.exhibitor, visibility="internal")
        talk = AgendaDraft(clock.now(), clock.now() + timedelta(hours=1), "开幕", video_id=video.id)
        with acting(uow, fair.organizer.owner):
            save_agenda(uow, fair.hall_id, [talk])
            wrong = {
                "agenda_times": replace(talk, ends_at=clock.now() + timedelta(hours=9)),
                "agenda_video_unknown": replace(talk, video_id=hidden.id),
            }
            for code, item in wrong.items():
                with pytest.raises(DomainError) as refused:
                    save_agenda(uow, fair.hall_id, [talk, item])
                assert (code_of(refused), refused.value.params["number"]) == (code, 2)
            shorter = SaveHall(
                "展会", clock.now() - timedelta(hours=1), clock.now() + timedelta(minutes=5), id=fair.hall_id
            )
            with pytest.raises(DomainError) as refused:
                save_hall(uow, shorter)
            assert code_of(refused) == "hall_agenda_outside"


class TestBooth:
    def test_it_shows_only_what_is_the_exhibitors_own_and_everybodys_to_see(
        self, uow: UnitOfWork, fair: Fair, visitor: Org
    ) -> None:
        foreign = make_plans(uow, fair.organizer)[0]
        hidden = make_ready_video(uow, fair.exhibitor, visibility="internal")
        with acting(uow, fair.exhibitor.owner):
            for command, code in (
                (SaveBooth(fair.booth_id, listing_ids=[foreign.listing_id]), "booth_listing_unknown"),
                (SaveBooth(fair.booth_id, video_ids=[hidden.id]), "booth_video_unknown"),
            ):
                with pytest.raises(DomainError) as refused:
                    save_booth(uow, command)
                assert code_of(refused) == code
        with acting(uow, visitor.owner):
            assert get_booth(uow, fair.booth_id).booth.listing_ids == (fair.listing_id,)

    def test_who_is_invited_twice_or_sells_nothing_is_refused(self, uow: UnitOfWork, fair: Fair, visitor: Org) -> None:
        with acting(uow, fair.organizer.owner):
            with pytest.raises(DomainError) as refused:
                invite_exhibitor(uow, fair.hall_id, visitor.id)
            assert code_of(refused) == "organization_not_found"

    def test_declined_or_removed_it_is_not_shown(self, uow: UnitOfWork, fair: Fair, visitor: Org) -> None:
        with acting(uow, fair.organizer.owner):
            remove_booth(uow, fair.booth_id)
            again = invite_exhibitor(uow, fair.hall_id, fair.exhibitor.id)
        with acting(uow, fair.exhibitor.owner):
            assert [one.booth.id for one in list_own_booths(uow).items] == [again.id]
            answer_booth(uow, again.id, accept=False)
        for booth_id in (fair.booth_id, again.id):
            with acting(uow, visitor.owner), pytest.raises(DomainError) as refused:
                get_booth(uow, booth_id)
            assert code_of(refused) == "booth_not_found"


class TestVisitor:
    def test_nothing_is_kept_without_consent(self, uow: UnitOfWork, fair: Fair, visitor: Org) -> None:
        for version, code in (("", "consent_required"), ("2020-01", "consent_outdated")):
            with acting(uow, visitor.owner), pytest.raises(DomainError) as refused:
                register_visitor(uow, Register(fair.hall_id, "王芳", "某某", version, email="a@b.example"))
            assert code_of(refused) == code
        badge = register_at(uow, fair, visitor)
        assert badge.consent_text == consent_text("registration", "zh-CN", fair_name(uow, fair))
        assert register_at(uow, fair, visitor).code == badge.code

    def test_the_organizer_reads_who_is_registered_until_they_withdraw(
        self, uow: UnitOfWork, fair: Fair, visitor: Org
    ) -> None:
        register_at(uow, fair, visitor)
        with acting(uow, fair.organizer.owner):
            assert [one.name for one in list_visitors(uow, fair.hall_id).items] == ["王芳"]
        with acting(uow, fair.exhibitor.owner), pytest.raises(DomainError) as refused:
            list_visitors(uow, fair.hall_id)
        assert code_of(refused) == "hall_not_found"
        give(uow, fair, visitor)
        with acting(uow, visitor.owner):
            badge = withdraw_badge(uow, fair.hall_id)
        assert (badge.name, badge.email, badge.phone, badge.consent_text) == ("", "", "", None)
        with acting(uow, fair.organizer.owner):
            assert list_visitors(uow, fair.hall_id).items == []
            assert count_visitors(uow, fair.hall_id) == (0, 0)
        with acting(uow, fair.exhibitor.owner):
            assert [(one.state, one.email) for one in list_exchanges(uow, fair.booth_id).items] == [("revoked", "")]

    def test_a_visit_is_counted_once_of_registered_visitors_while_it_is_open(
        self, uow: UnitOfWork, fair: Fair, visitor: Org
    ) -> None:
        with acting(uow, visitor.owner):
            assert not record_visit(uow, fair.booth_id)
        register_at(uow, fair, visitor)
        register_at(uow, fair, fair.exhibitor)
        with acting(uow, visitor.owner):
            assert [record_visit(uow, fair.booth_id) for _ in range(2)] == [True, False]
        with acting(uow, fair.exhibitor.owner):
            assert not record_visit(uow, fair.booth_id)
            assert count_booths(uow, [fair.booth_id])[fair.booth_id].visits == 1


class TestExchange:
    def test_a_badge_that_is_given_is_one_lead_with_the_words_it_was_given_under(
        self, uow: UnitOfWork, fair: Fair, visitor: Org
    ) -> None:
        register_at(uow, fair, visitor)
        exchange, again = give(uow, fair, visitor), give(uow, fair, visitor)
        assert exchange.id == again.id
        assert exchange.lead_id is not None
        with acting(uow, fair.exhibitor.owner):
            lead = get_seller_lead(uow, exchange.lead_id).lead
            assert (lead.contact_email, lead.consent_text) == ("wang@firm.example", exchange.consent_text)
            assert lead.listing_id == fair.listing_id
            source = hall_of_lead(uow, lead.id)
            counted = count_booths(uow, [fair.booth_id])[fair.booth_id]
        assert source is not None
        assert source.booth_id == fair.booth_id
        assert (counted.exchanges, counted.leads, counted.won) == (1, 1, 0)

    def test_an_exhibitor_that_reads_a_badge_learns_nothing_until_its_bearer_says_yes(
        self, uow: UnitOfWork, fair: Fair, visitor: Org
    ) -> None:
        badge = register_at(uow, fair, visitor)
        with acting(uow, fair.exhibitor.owner):
            asked = ask_badge(uow, fair.booth_id, f" {badge.code[:4].lower()}-{badge.code[4:]} ")
            assert ask_badge(uow, fair.booth_id, badge.code).id == asked.id
            (seen,) = list_exchanges(uow, fair.booth_id).items
            assert {getattr(seen, name) for name in ("name", "company", "job_title", "email", "phone")} == {""}
            with pytest.raises(DomainError) as refused:
                ask_badge(uow, fair.booth_id, "22222222222A")
            assert code_of(refused) == "badge_not_found"
        given = give(uow, fair, visitor)
        assert (given.id, given.state) == (asked.id, "given")

    def test_who_said_no_is_not_asked_again(self, uow: UnitOfWork, fair: Fair, visitor: Org) -> None:
        badge = register_at(uow, fair, visitor)
        with acting(uow, fair.exhibitor.owner):
            asked = ask_badge(uow, fair.booth_id, badge.code)
        with acting(uow, make_member(uow, visitor, "owner")), pytest.raises(DomainError) as refused:
            decline_badge(uow, asked.id)
        assert code_of(refused) == "badge_exchange_not_found"
        with acting(uow, visitor.owner):
            decline_badge(uow, asked.id)
        with acting(uow, fair.exhibitor.owner), pytest.raises(DomainError) as refused:
            ask_badge(uow, fair.booth_id, badge.code)
        assert code_of(refused) == "badge_refused"
        assert give(uow, fair, visitor).state == "given"

    @pytest.mark.parametrize("by_request", [True, False])
    def test_taken_back_nothing_of_it_stays(
        self, uow: UnitOfWork, fair: Fair, visitor: Org, *, by_request: bool
    ) -> None:
        register_at(uow, fair, visitor)
        exchange = give(uow, fair, visitor)
        assert exchange.lead_id is not None
        with acting(uow, visitor.owner):
            if by_request:
                withdraw_request(uow, exchange.lead_id)
            else:
                revoke_badge(uow, exchange.id)
        row = uow.session.get_one(HallExchange, exchange.id)
        lead = uow.session.get_one(Lead, exchange.lead_id)
        assert (row.state, row.email, row.consent_text) == ("revoked", "", None)
        assert (lead.contact_name, lead.contact_email, lead.contact_phone) == ("", "", "")

    def test_it_is_refused_where_it_has_no_place(
        self, uow: UnitOfWork, fair: Fair, visitor: Org, exhibitor: Org
    ) -> None:
        def refusal(who: Org, version: str = CONSENT_VERSION) -> str:
            with acting(uow, who.owner), pytest.raises(DomainError) as refused:
                give_badge(uow, GiveBadge(fair.booth_id, version))
            return code_of(refused)

        assert refusal(visitor) == "badge_required"
        register_at(uow, fair, visitor)
        register_at(uow, fair, exhibitor)
        assert refusal(visitor, "") == "consent_required"
        assert refusal(exhibitor) == "own_booth"
        with acting(uow, exhibitor.owner):
            save_booth(uow, SaveBooth(fair.booth_id))
        assert refusal(visitor) == "booth_without_products"
        clock.advance(timedelta(hours=7))
        assert refusal(visitor) == "hall_not_open"
        with acting(uow, fair.organizer.owner):
            archive_hall(uow, fair.hall_id)
        assert refusal(visitor) == "booth_not_found"
        with acting(uow, fair.organizer.owner), pytest.raises(DomainError) as refused:
            publish_hall(uow, fair.hall_id)
        assert code_of(refused) == "hall_over"

    def test_the_bearer_reads_what_became_of_it(self, uow: UnitOfWork, fair: Fair, visitor: Org) -> None:
        badge = register_at(uow, fair, visitor)
        give(uow, fair, visitor)
        with acting(uow, visitor.owner):
            (given,) = exchanges_of_badge(uow, badge.id)
        assert (given.state, given.by_exhibitor) == ("given", False)
        assert uow.session.scalars(select(HallBadge.id).where(HallBadge.hall_id == fair.hall_id)).all() == [badge.id]


def fair_name(uow: UnitOfWork, fair: Fair) -> str:
    with acting(uow, fair.organizer.owner):
        return get_hall(uow, fair.hall_id).organizer_name
