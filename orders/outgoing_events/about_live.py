"""What a host's own systems are told of its live sessions. Nobody else's: who may see one is not asked when it is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.live.models import LIVE_SESSION, LiveSession
from marketplace.webhooks.event_types import EventData, EventType, register_types
from orders.outgoing_events.facts import Addressed, RecordedFact, tells_of_states
from orders.outgoing_events.samples import FROM, sample_id


class LiveSessionData(EventData):
    """A live session of a channel. `video_id`: its film; of a stream its recording, once that is named."""

    live_session_id: UUID
    channel_id: UUID
    video_id: UUID | None
    streamed: bool
    title: str
    title_en: str
    visibility: str
    starts_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


READERS: Final = frozenset({"videos.write"})


def tell_sessions(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """The organization whose channel it is."""
    wanted = select(LiveSession).where(LiveSession.id.in_([fact.subject_id for fact in facts]))
    found = {row.id: row for row in uow.session.scalars(wanted)}
    for fact in facts:
        row = found[fact.subject_id]
        data = LiveSessionData(
            live_session_id=row.id,
            channel_id=row.channel_id,
            video_id=row.video_id,
            streamed=row.stream_url is not None,
            title=row.title,
            title_en=row.title_en,
            visibility=row.visibility,
            starts_at=row.starts_at,
            started_at=row.started_at,
            ended_at=row.ended_at,
        )
        yield Addressed(fact, row.org_id, data)


def _sample(started_at: datetime | None = None, ended_at: datetime | None = None) -> LiveSessionData:
    return LiveSessionData(
        live_session_id=sample_id(95),
        channel_id=sample_id(96),
        video_id=sample_id(97),
        streamed=False,
        title="秋招专场",
        title_en="Campus, live",
        visibility="public",
        starts_at=FROM,
        started_at=started_at,
        ended_at=ended_at,
    )


tells_of_states(
    LIVE_SESSION,
    tell_sessions,
    scheduled="live.session.scheduled",
    live="live.session.started",
    ended="live.session.ended",
    cancelled="live.session.cancelled",
)
register_types(
    EventType("live.session.scheduled", "直播已预告。", "A session is announced.", READERS, {"party": _sample()}),
    EventType("live.session.started", "直播已开始。", "It has begun.", READERS, {"party": _sample(FROM)}),
    EventType(
        "live.session.ended",
        "直播已结束。",
        "It is over, by its host or by itself.",
        READERS,
        {"party": _sample(FROM, FROM + timedelta(minutes=90))},
    ),
    EventType(
        "live.session.cancelled",
        "直播已取消，不再进行。",
        "It does not take place.",
        READERS,
        {"party": _sample(ended_at=FROM)},
    ),
)
