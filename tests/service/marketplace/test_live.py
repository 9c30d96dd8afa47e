"""Live sessions: one item is explained at a time, what cannot be bought is not, and nobody sees what is not for them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound, TooMany
from kernel.principal import ANONYMOUS, Principal
from marketplace.catalog.models import Plan
from marketplace.catalog.review_listing import withdraw_plan
from marketplace.live.access import get_visible_session
from marketplace.live.explain import explain_item, is_on_sale, position_of, stop_explaining
from marketplace.live.models import LiveExplanation, LiveReminder, LiveSession
from marketplace.live.queries import get_room, list_live, list_own_live
from marketplace.live.question_models import LiveQuestion
from marketplace.live.question_queries import RoomQuestions, list_room_questions, room_questions
from marketplace.live.questions import MOST, answer_in_room, ask_in_room, remove_from_room, show_in_room
from marketplace.live.remind import ask_reminder, drop_reminder
from marketplace.live.room_state import live_states
from marketplace.live.run_session import (
    MISSED,
    SOON,
    cancel_session,
    end_session,
    sessions_over,
    sessions_soon,
    settle_over,
    start_session,
    tell_soon,
)
from marketplace.live.save_session import SaveLiveSession, change_session, schedule_session
from marketplace.live.shelf import add_item, order_items, remove_item
from marketplace.publishing.change_visibility import ChangeVisibility, change_visibility
from marketplace.publishing.show_listing import ShowListing, show_listing
from marketplace.relations.partner_groups import PartnerGroups
from marketplace.relations.save_tier import SaveTier, save_tier
from tests.factories_live import make_live, make_session
from tests.factories_marketplace import (
    Org,
    acting,
    make_org,
    make_plans,
    make_ready_video,
    make_seller,
    per_seat_plan,
)

AT = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def at_rest() -> Iterator[None]:
    with clock.frozen(AT):
        yield


@pytest.fixture
def seller(uow: UnitOfWork) -> Org:
    return make_seller(uow)


@pytest.fixture
def plans(uow: UnitOfWork, seller: Org) -> list[Plan]:
    return make_plans(uow, seller, per_seat_plan(), per_seat_plan(code="max", unit_price_minor=39_900))


def spans(uow: UnitOfWork, session: LiveSession) -> list[tuple[int, int | None]]:
    found = select(LiveExplanation).where(LiveExplanation.session_id == session.id)
    return [(one.from_ms, one.to_ms) for one in uow.session.scalars(found.order_by(LiveExplanation.from_ms))]


def test_one_item_is_explained_at_a_time_and_each_span_is_kept(uow: UnitOfWork, seller: Org, plans: list[Plan]) -> None:
    session, (one, two) = make_live(uow, seller, *plans)
    with acting(uow, seller.owner):
        for after_s, item in ((10, one), (25, two), (30, two)):
            with clock.frozen(AT + timedelta(seconds=after_s)):
                explain_item(uow, session.id, item.id)
        with clock.frozen(AT + timedelta(seconds=40)):
            stop_explaining(uow, session.id)
            stop_explaining(uow, session.id)
        with clock.frozen(AT + timedelta(seconds=50)):
            explain_item(uow, session.id, one.id)
            room = get_room(uow, session.id)
    assert spans(uow, session) == [(10_000, 25_000), (25_000, 40_000), (50_000, None)]
    assert room.explained is not None
    assert room.explained.id == one.id
    # Scheduled with two items, begun, three changes and one stop: what changed nothing has no number.
    assert session.sequence == 2 + 1 + 4
    with clock.frozen(AT + timedelta(seconds=60)), acting(uow, seller.owner):
        end_session(uow, session.id)
    assert spans(uow, session)[-1] == (50_000, 60_000)
    assert session.ended_at == AT + timedelta(seconds=60)
    with acting(uow, seller.owner), pytest.raises(Conflict) as refused:
        explain_item(uow, session.id, one.id)
    assert refused.value.code == "live_session_not_live"


def test_what_is_not_on_sale_is_neither_put_there_nor_explained(
    uow: UnitOfWork, seller: Org, plans: list[Plan]
) -> None:
    session, (one, two) = make_live(uow, seller, *plans)
    with acting(uow, seller.owner):
        explain_item(uow, session.id, one.id)
        withdraw_plan(uow, plans[0].id)
        room = get_room(uow, session.id)
        assert room.explained is None
        assert [item.on_sale for item in room.items] == [False, True]
        explain_item(uow, session.id, two.id)
        for act in (
            lambda: explain_item(uow, session.id, one.id),
            lambda: add_item(uow, session.id, plans[0].id),
        ):
            with pytest.raises(Conflict) as refused:
                act()
            assert refused.value.code == "live_item_not_on_sale"
    states = live_states(uow, [session.id])
    assert states[session.id].item_id == two.id


def test_viewers_are_told_when_what_is_explained_can_be_bought_no_more(
    uow: UnitOfWork, seller: Org, plans: list[Plan]
) -> None:
    session, (one, _) = make_live(uow, seller, *plans)
    with acting(uow, seller.owner):
        explain_item(uow, session.id, one.id)
    before = live_states(uow, [session.id])[session.id]
    with acting(uow, seller.owner):
        withdraw_plan(uow, plans[0].id)
    after = live_states(uow, [session.id])[session.id]
    assert (before.item_id, after.item_id) == (one.id, None)
    assert before.mark != after.mark


def test_the_shelf_is_ordered_and_emptied(uow: UnitOfWork, seller: Org, plans: list[Plan]) -> None:
    session, (one, two) = make_live(uow, seller, *plans)
    with acting(uow, seller.owner):
        explain_item(uow, session.id, one.id)
        order_items(uow, session.id, [two.id, one.id])
        assert [item.id for item in get_room(uow, session.id).items] == [two.id, one.id]
        with pytest.raises(Invalid) as refused:
            order_items(uow, session.id, [two.id])
        assert refused.value.code == "live_order_differs"
        with pytest.raises(IntegrityError, match="uq_live_item_plan"), uow.session.begin_nested():
            add_item(uow, session.id, plans[0].id)
        remove_item(uow, session.id, one.id)
        remove_item(uow, session.id, one.id)
        room = get_room(uow, session.id)
    assert [item.id for item in room.items] == [two.id]
    assert spans(uow, session) == [(0, 0)]


def test_a_channel_shows_one_thing_at_a_time(uow: UnitOfWork, seller: Org) -> None:
    first, _ = make_live(uow, seller)
    with acting(uow, seller.owner):
        assert start_session(uow, first.id).started_at == AT
        again = SaveLiveSession(first.video_id, "又一场", AT + timedelta(hours=1))
        second = schedule_session(uow, again)
        with pytest.raises(IntegrityError, match="uq_live_session_on_air"), uow.session.begin_nested():
            start_session(uow, second.id)


def test_it_ends_with_its_film_and_what_nobody_began_is_cancelled(
    uow: UnitOfWork, seller: Org, plans: list[Plan]
) -> None:
    session, (one, _) = make_live(uow, seller, *plans, duration_ms=90_000)
    missed, _ = make_session(uow, seller)
    with acting(uow, seller.owner):
        explain_item(uow, session.id, one.id)
    with clock.frozen(AT + timedelta(seconds=89)):
        assert session.id not in sessions_over(uow)
    with clock.frozen(AT + timedelta(seconds=100)):
        assert session.id in sessions_over(uow)
        settle_over(uow, session.id)
        settle_over(uow, session.id)
    assert (session.state, session.ended_at) == ("ended", AT + timedelta(seconds=90))
    assert spans(uow, session) == [(0, 90_000)]
    with clock.frozen(missed.starts_at + MISSED):
        assert missed.id in sessions_over(uow)
        settle_over(uow, missed.id)
    assert missed.state == "cancelled"


def test_whoever_asked_is_told_soon_and_once(uow: UnitOfWork, seller: Org) -> None:
    reader = make_org(uow)
    session, _ = make_session(uow, seller)
    with acting(uow, reader.owner):
        ask_reminder(uow, session.id)
        ask_reminder(uow, session.id)
        assert get_room(uow, session.id).session.reminded
    asked = select(LiveReminder.person_id).where(LiveReminder.session_id == session.id)
    assert list(uow.session.scalars(asked)) == [reader.owner.person_id]
    with clock.frozen(session.starts_at - SOON - timedelta(seconds=1)):
        assert session.id not in sessions_soon(uow)
    with clock.frozen(session.starts_at - SOON):
        assert session.id in sessions_soon(uow)
        tell_soon(uow, session.id)
        assert session.id not in sessions_soon(uow)
    # Moved, it is told of anew.
    with acting(uow, seller.owner):
        moved = SaveLiveSession(session.video_id, "秋招专场", AT + timedelta(hours=3))
        change_session(uow, session.id, moved)
    with clock.frozen(session.starts_at - SOON):
        assert session.id in sessions_soon(uow)
    with acting(uow, reader.owner):
        drop_reminder(uow, session.id)
    assert list(uow.session.scalars(asked)) == []
    with acting(uow, seller.owner):
        cancel_session(uow, session.id)
    with acting(uow, reader.owner), pytest.raises(Conflict) as refused:
        ask_reminder(uow, session.id)
    assert refused.value.code == "live_session_begun"


class TestReaders:
    @pytest.mark.parametrize("visibility", ["public", "unlisted", "partners", "internal"])
    def test_a_session_is_seen_by_those_whom_it_is_for(
        self, uow: UnitOfWork, seller: Org, plans: list[Plan], visibility: str
    ) -> None:
        partner, stranger = make_org(uow), make_org(uow)
        partner_ids = [partner.id] if visibility == "partners" else []
        video = make_ready_video(uow, seller, visibility="public")
        with acting(uow, seller.owner):
            command = SaveLiveSession(
                video.id, "x", AT + timedelta(hours=1), visibility=visibility, partner_ids=partner_ids
            )
            session = schedule_session(uow, command)
            add_item(uow, session.id, plans[0].id)
            start_session(uow, session.id)
        everybody: set[Org | None] = {partner, stranger, None}
        nobody: set[Org | None] = set()
        entering: dict[str, set[Org | None]] = {
            "public": everybody,
            "unlisted": everybody,
            "partners": {partner},
            "internal": nobody,
        }
        told: dict[str, set[Org | None]] = {"public": everybody, "partners": {partner}}
        may_enter, listed = entering[visibility], told.get(visibility, nobody)
        for who in (partner, stranger, None):
            principal: Principal = who.owner if who is not None else ANONYMOUS
            with acting(uow, principal):
                assert (session.id in {one.id for one in list_live(uow, "live", limit=100).items}) == (who in listed)
                # Row level security alone says the same as the queries.
                rows = uow.session.scalar(
                    text("SELECT count(*) FROM marketplace.live_item WHERE session_id = :id"), {"id": session.id}
                )
                assert bool(rows) == (who in may_enter)
                if who in may_enter:
                    room = get_room(uow, session.id)
                    assert room.session.film is not None
                    assert room.session.partner_ids == ()
                else:
                    with pytest.raises(NotFound):
                        get_visible_session(uow, session.id)
        with acting(uow, seller.owner):
            assert session.id in {one.id for one in list_own_live(uow).items}

    def test_a_film_is_never_shown_to_more_than_may_see_it(self, uow: UnitOfWork, seller: Org) -> None:
        video = make_ready_video(uow, seller, visibility="internal")
        at = AT + timedelta(hours=1)
        with acting(uow, seller.owner):
            with pytest.raises(Conflict) as refused:
                schedule_session(uow, SaveLiveSession(video.id, "x", at))
            assert refused.value.code == "live_film_narrower"
            own = schedule_session(uow, SaveLiveSession(video.id, "x", at, visibility="internal"))
            start_session(uow, own.id)
            change_visibility(uow, ChangeVisibility(video.id, "public"))
            end_session(uow, own.id)
            shown = schedule_session(uow, SaveLiveSession(video.id, "x", at))
            start_session(uow, shown.id)
        with acting(uow, ANONYMOUS):
            assert get_room(uow, shown.id).session.film is not None
        with acting(uow, seller.owner):
            change_visibility(uow, ChangeVisibility(video.id, "internal"))
        with acting(uow, ANONYMOUS):
            assert get_room(uow, shown.id).session.film is None

    def test_what_is_for_partners_is_on_the_shelf_of_a_room_where_only_these_come_in(
        self, uow: UnitOfWork, seller: Org, plans: list[Plan]
    ) -> None:
        plan, video, at = plans[0], make_ready_video(uow, seller, visibility="public"), AT + timedelta(hours=1)
        with acting(uow, seller.owner):
            tiers = [save_tier(uow, SaveTier(code, code, code, 1)).id for code in ("GOLD", "SILVER")]
            everybody, gold, both = (
                PartnerGroups(everybody=True),
                PartnerGroups(tier_ids=tiers[:1]),
                PartnerGroups(tier_ids=tiers),
            )
            public = schedule_session(uow, SaveLiveSession(video.id, "x", at))
            for shown, room, is_sold in (
                (everybody, everybody, True),
                (everybody, gold, True),
                (both, gold, True),
                (gold, gold, True),
                (gold, both, False),
                (gold, everybody, False),
            ):
                show_listing(uow, ShowListing(plan.listing_id, "partners", shown))
                session = schedule_session(uow, SaveLiveSession(video.id, "x", at, visibility="partners", groups=room))
                assert is_on_sale(uow, session, plan.id) == is_sold, (shown, room)
                # Who is named need be no partner by a link.
                session.partner_ids = [make_org(uow).id]
                uow.flush()
                assert not is_on_sale(uow, session, plan.id)
            assert not is_on_sale(uow, public, plan.id)
            change_visibility(uow, ChangeVisibility(video.id, "partners", [], gold))
            for room, is_played in ((gold, True), (both, False), (everybody, False)):
                command = SaveLiveSession(video.id, "x", at, visibility="partners", groups=room)
                if is_played:
                    schedule_session(uow, command)
                    continue
                with pytest.raises(Conflict) as refused:
                    schedule_session(uow, command)
                assert refused.value.code == "live_film_narrower"
            strange = PartnerGroups(tier_ids=[video.id])
            with pytest.raises(NotFound) as unknown:
                schedule_session(uow, SaveLiveSession(video.id, "x", at, visibility="partners", groups=strange))
            assert unknown.value.code == "partner_tier_not_found"

    def test_another_organization_hosts_nothing(self, uow: UnitOfWork, seller: Org, plans: list[Plan]) -> None:
        session, (one, _) = make_live(uow, seller, *plans)
        other = make_seller(uow)
        with acting(uow, other.owner):
            for act in (
                lambda: explain_item(uow, session.id, one.id),
                lambda: end_session(uow, session.id),
                lambda: add_item(uow, session.id, plans[0].id),
                lambda: remove_item(uow, session.id, one.id),
            ):
                with pytest.raises(NotFound):
                    act()


@given(
    st.integers(1, 10**7),
    st.lists(st.integers(-(10**7), 2 * 10**7), min_size=2, max_size=2),
    st.none() | st.integers(0, 10**7),
)
def test_the_position_grows_with_time_and_stays_within_the_film(
    duration_ms: int, moments: list[int], ended_ms: int | None
) -> None:
    def at(ms: int) -> datetime:
        return AT + timedelta(milliseconds=ms)

    session = LiveSession(
        started_at=AT, ends_at=at(duration_ms), ended_at=None if ended_ms is None else at(min(ended_ms, duration_ms))
    )
    first, second = (position_of(session, at(ms)) for ms in sorted(moments))
    assert 0 <= first <= second <= duration_ms
    if ended_ms is not None:
        assert second <= ended_ms


class TestQuestions:
    def test_the_host_shows_what_everybody_reads(self, uow: UnitOfWork, seller: Org) -> None:
        asker, other = make_org(uow), make_org(uow)
        session, _ = make_live(uow, seller)

        def read_by(who: Principal) -> list[tuple[str, str]]:
            with acting(uow, who):
                return [(one.text, one.state) for one in list_room_questions(uow, session.id)]

        with acting(uow, asker.owner), clock.frozen(AT + timedelta(seconds=20)):
            question = ask_in_room(uow, session.id, "  能试用吗？ ")
            assert ask_in_room(uow, session.id, "能试用吗？").id == question.id, "the same is not asked twice"
            with pytest.raises(NotFound):
                show_in_room(uow, question.id, show=True)
        waits = [("能试用吗？", "waiting")]
        assert question.asked_ms == 20_000
        assert (read_by(asker.owner), read_by(seller.owner)) == (waits, waits)
        assert (read_by(other.owner), read_by(ANONYMOUS)) == ([], [])
        assert room_questions(uow, [session.id])[session.id] == RoomQuestions((), 1)
        told = uow.session.get_one(LiveSession, session.id).questions_sequence
        with acting(uow, seller.owner), clock.frozen(AT + timedelta(seconds=50)):
            answer_in_room(uow, question.id, spoken=True)
        shown = [("能试用吗？", "shown")]
        assert [read_by(one) for one in (asker.owner, seller.owner, other.owner, ANONYMOUS)] == [shown] * 4
        assert (question.answered_ms, question.answer) == (50_000, "")
        assert uow.session.get_one(LiveSession, session.id).questions_sequence > told
        with acting(uow, seller.owner), clock.frozen(AT + timedelta(seconds=90)):
            answer_in_room(uow, question.id, "七天。")
            assert (question.answered_ms, question.answer) == (50_000, "七天。"), "the second is that of the answer"
            show_in_room(uow, question.id, show=False)
        assert (read_by(other.owner), read_by(ANONYMOUS)) == ([], [])
        with acting(uow, other.owner), pytest.raises(NotFound):
            remove_from_room(uow, question.id)
        with acting(uow, asker.owner):
            assert remove_from_room(uow, question.id) == session.id
        with acting(uow, seller.owner), pytest.raises(NotFound):
            answer_in_room(uow, question.id, "七天。")
        assert (read_by(asker.owner), read_by(seller.owner)) == ([], [])

    def test_a_person_asks_so_much_and_nobody_after_the_end(self, uow: UnitOfWork, seller: Org) -> None:
        asker = make_org(uow)
        session, _ = make_live(uow, seller)
        with acting(uow, asker.owner):
            for number in range(MOST):
                ask_in_room(uow, session.id, f"{number}？")
            with pytest.raises(TooMany):
                ask_in_room(uow, session.id, "x")
            for text_ in (" ", "x" * 301):
                with pytest.raises(Invalid):
                    ask_in_room(uow, session.id, text_)
        with acting(uow, seller.owner):
            end_session(uow, session.id)
        with acting(uow, asker.owner), clock.frozen(AT + timedelta(hours=1)), pytest.raises(Conflict) as refused:
            ask_in_room(uow, session.id, "x")
        assert refused.value.code == "live_session_over"
        waiting = uow.session.scalars(select(LiveQuestion).where(LiveQuestion.session_id == session.id)).first()
        assert waiting is not None
        with acting(uow, seller.owner):
            with pytest.raises(Conflict):
                answer_in_room(uow, waiting.id, spoken=True)
            answer_in_room(uow, waiting.id, "邮件回复您。")
