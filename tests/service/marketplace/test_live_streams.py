"""A stream in place of a film: scheduled, run to its longest time, and replayed once its recording is named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, DomainError, Invalid, NotFound
from kernel.principal import ANONYMOUS
from marketplace.catalog.models import Plan
from marketplace.channels.models import Channel
from marketplace.live.explain import explain_item
from marketplace.live.queries import get_room
from marketplace.live.run_session import end_session, sessions_over, settle_over, start_session
from marketplace.live.save_session import SaveLiveSession, change_session, schedule_session
from marketplace.live.sold_from import find_sold_from
from marketplace.live.streams import StreamPlan, name_recording
from tests.factories_live import HOSTS, STREAM, make_live, make_streamed
from tests.factories_marketplace import (
    Org,
    acting,
    make_channel,
    make_org,
    make_plans,
    make_ready_video,
    make_seller,
    per_seat_plan,
)

AT = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
LATER = AT + timedelta(hours=1)


@pytest.fixture(autouse=True)
def at_rest() -> Iterator[None]:
    with clock.frozen(AT):
        yield


@pytest.fixture
def seller(uow: UnitOfWork) -> Org:
    return make_seller(uow)


@pytest.fixture
def plan(uow: UnitOfWork, seller: Org) -> Plan:
    return make_plans(uow, seller, per_seat_plan())[0]


def test_a_session_shows_a_film_or_a_stream(uow: UnitOfWork, seller: Org) -> None:
    video, other = make_ready_video(uow, seller), make_seller(uow)
    strange = make_channel(uow, other)
    stream = StreamPlan(STREAM, 90)
    with acting(uow, seller.owner):
        for command, code in (
            (SaveLiveSession(None, "x", LATER), "live_film_or_stream"),
            (SaveLiveSession(video.id, "x", LATER, stream=stream), "live_film_or_stream"),
            (SaveLiveSession(None, "x", LATER, stream=StreamPlan(STREAM, 1)), "live_stream_length"),
            (SaveLiveSession(None, "x", LATER, stream=StreamPlan("https://a.example/a", 90)), "live_stream_refused"),
            (SaveLiveSession(None, "x", LATER, stream=StreamPlan(STREAM, 90, strange.id)), "channel_not_found"),
        ):
            with pytest.raises(DomainError) as refused, uow.session.no_autoflush:
                schedule_session(uow, command, HOSTS)
            assert refused.value.code == code
        with pytest.raises(Invalid) as off, uow.session.no_autoflush:
            schedule_session(uow, SaveLiveSession(None, "x", LATER, stream=stream))
        assert off.value.code == "live_streams_off"
        session = schedule_session(uow, SaveLiveSession(video.id, "x", LATER))
        change_session(uow, session.id, SaveLiveSession(None, "x", LATER, stream=stream), HOSTS)
        assert (session.video_id, session.stream_url, session.stream_ms) == (None, STREAM, 5_400_000)
        assert uow.session.get_one(Channel, session.channel_id).org_id == seller.id
        change_session(uow, session.id, SaveLiveSession(video.id, "x", LATER))
        assert (session.video_id, session.stream_url, session.stream_ms) == (video.id, None, None)


def test_its_address_is_told_while_it_runs_and_to_its_own_before(uow: UnitOfWork, seller: Org) -> None:
    make_channel(uow, seller)
    with acting(uow, seller.owner):
        session = schedule_session(uow, SaveLiveSession(None, "x", LATER, stream=StreamPlan(STREAM, 90)), HOSTS)

    def told() -> list[str | None]:
        found = []
        for who in (seller.owner, make_org(uow).owner, ANONYMOUS):
            with acting(uow, who):
                found.append(get_room(uow, session.id).session.stream_url)
        return found

    assert told() == [STREAM, None, None]
    with acting(uow, seller.owner):
        start_session(uow, session.id)
    assert told() == [STREAM, STREAM, STREAM]
    with acting(uow, seller.owner):
        end_session(uow, session.id)
    assert told() == [STREAM, None, None]


def test_it_ends_by_itself_after_its_longest_time(uow: UnitOfWork, seller: Org, plan: Plan) -> None:
    session, (item,) = make_streamed(uow, seller, plan)
    with acting(uow, seller.owner):
        explain_item(uow, session.id, item.id)
    for minutes, over in ((89, False), (90, True)):
        with clock.frozen(AT + timedelta(minutes=minutes)):
            assert (session.id in sessions_over(uow)) == over
    with clock.frozen(AT + timedelta(minutes=95)):
        settle_over(uow, session.id)
    assert (session.state, session.ended_at) == ("ended", AT + timedelta(minutes=90))


def test_its_recording_is_its_replay_for_good(uow: UnitOfWork, seller: Org, plan: Plan) -> None:
    session, (item,) = make_streamed(uow, seller, plan)
    channel = uow.session.get_one(Channel, session.channel_id)
    recording, other = (make_ready_video(uow, seller, channel=channel, duration_ms=600_000) for _ in range(2))
    elsewhere, internal = make_ready_video(uow, seller), make_ready_video(uow, seller, channel=channel)
    internal.visibility = "internal"
    played, _ = make_live(uow, seller)
    with acting(uow, seller.owner):
        with clock.frozen(AT + timedelta(seconds=30)):
            explain_item(uow, session.id, item.id)
            sold = find_sold_from(uow, session.id, plan.listing_id, 20_000)
            assert sold is not None
            assert (sold.video_id, sold.second_ms, sold.channel_id) == (None, 20_000, channel.id)
        with pytest.raises(Conflict) as early:
            name_recording(uow, session.id, recording.id)
        with clock.frozen(AT + timedelta(seconds=60)):
            end_session(uow, session.id)
            end_session(uow, played.id)
        with pytest.raises(Conflict) as unstreamed:
            name_recording(uow, played.id, recording.id)
        assert {early.value.code, unstreamed.value.code} == {"live_recording_not_due"}
        assert get_room(uow, session.id).session.film is None
        with pytest.raises(NotFound):
            name_recording(uow, session.id, elsewhere.id)
        with pytest.raises(Conflict) as narrower:
            name_recording(uow, session.id, internal.id)
        assert narrower.value.code == "live_film_narrower"
        before = session.sequence
        name_recording(uow, session.id, recording.id)
        name_recording(uow, session.id, recording.id)
        assert session.sequence == before + 1
        with pytest.raises(Conflict) as there:
            name_recording(uow, session.id, other.id)
        assert there.value.code == "live_recording_there"
    with acting(uow, make_seller(uow).owner), pytest.raises(NotFound):
        name_recording(uow, session.id, recording.id)
    with acting(uow, ANONYMOUS), clock.frozen(LATER):
        room = get_room(uow, session.id)
        assert room.session.film is not None
        assert room.session.film.video_id == recording.id
        (shown,) = room.items
        assert [(span.from_ms, span.to_ms) for span in shown.spans] == [(30_000, 60_000)]
        sold = find_sold_from(uow, session.id, plan.listing_id, 40_000)
    assert sold is not None
    assert (sold.video_id, sold.second_ms) == (recording.id, 40_000)
