"""Touchpoints are counted by day: each of them once, a minute after it came in, however late it was sent.

A step counts what was received in an interval and moves the mark behind it, in one transaction that holds the mark: whoever
is stopped in between has counted nothing, and who comes beside it waits and goes on behind it (ADR 0080).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from kernel import clock
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import sweep
from kernel.jobs.models import EventCursor
from marketplace.attribution.record_touchpoints import AHEAD, BEHIND

COUNT_TOUCHPOINTS = "marketplace.touchpoints.count"
READER: Final = "touchpoint_days"
EVERY = timedelta(minutes=1)
KEPT_BEHIND = timedelta(minutes=1)
"""Longer than a transaction lives: what is received before then is committed, or never will be."""
MOST: Final = 500_000
"""Touchpoints counted in one transaction, which takes seconds."""
BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)

# The bounds of `occurred_at` are those within which a touchpoint is taken: they leave out the months that have none of them.
_RECEIVED: Final = (
    "received_at >= :since AND received_at < :until AND occurred_at >= :earliest AND occurred_at <= :latest"
)
_NEXT: Final = text(
    "SELECT min(received_at) FROM marketplace.touchpoint WHERE received_at >= :since AND occurred_at >= :earliest"
)
_PLACE: Final = text(
    f"SELECT received_at FROM marketplace.touchpoint WHERE {_RECEIVED} ORDER BY received_at OFFSET :most LIMIT 1"  # noqa: S608 - words of this module
)
_COUNTS: Final = ("impressions", "views", "card_clicks", "shares", "leads", "watched_ms")
_KEY: Final = "channel_org_id, day, video_id, second, placement_id, share_link_id, live_session_id, seller_org_id"
_ADD: Final = text(
    f"""
    INSERT INTO marketplace.touchpoint_day AS kept ({_KEY}, sharer_org_id, {", ".join(_COUNTS)})
    SELECT t.channel_org_id, t.day, t.video_id, t.second, t.placement_id, t.share_link_id, t.live_session_id,
           coalesce(p.seller_org_id, i.seller_org_id), t.sharer_org_id,
           {", ".join(f"CAST(sum(t.{name}) AS bigint)" for name in _COUNTS)}
    FROM (
        SELECT channel_org_id, CAST(occurred_at AT TIME ZONE 'UTC' AS date) AS day, video_id, second_ms / 5000 * 5 AS second,
               placement_id, share_link_id, sharer_org_id, live_session_id, live_item_id,
               count(*) FILTER (WHERE kind = 'impression') AS impressions,
               count(*) FILTER (WHERE kind = 'view') AS views,
               count(*) FILTER (WHERE kind = 'card_click') AS card_clicks,
               count(*) FILTER (WHERE kind = 'share') AS shares,
               count(*) FILTER (WHERE kind = 'lead') AS leads,
               CAST(coalesce(sum(watched_ms) FILTER (WHERE kind = 'view'), 0) AS bigint) AS watched_ms
        FROM marketplace.touchpoint
        WHERE {_RECEIVED} AND (video_id IS NOT NULL OR live_session_id IS NOT NULL)
          AND (org_id IS NULL OR org_id NOT IN (SELECT test_org_id FROM marketplace.test_clock))
          AND channel_org_id NOT IN (SELECT test_org_id FROM marketplace.test_clock)
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
    ) t
    LEFT JOIN marketplace.placement p ON p.id = t.placement_id
    LEFT JOIN marketplace.live_item i ON i.id = t.live_item_id
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
    ON CONFLICT ({_KEY})
    DO UPDATE SET {", ".join(f"{name} = kept.{name} + excluded.{name}" for name in _COUNTS)}
    """  # noqa: S608 - (same)
)
_FORGET: Final = text(
    """DELETE FROM marketplace.touchpoint_day
       WHERE day >= (SELECT CAST(date_trunc('month', min(occurred_at) AT TIME ZONE 'UTC') AS date) FROM marketplace.touchpoint)"""
)


@sweep(COUNT_TOUCHPOINTS, every=EVERY)
def count_new(transact: Transact) -> None:
    """Count what came in since the last time."""
    count_until(transact, clock.installation_now() - KEPT_BEHIND)


def count_until(transact: Transact, until: datetime) -> None:
    """Count what was received before `until` and is not counted, step by step."""
    while transact(partial(count_next, until=until)):
        continue


def count_next(uow: UnitOfWork, until: datetime, most: int = MOST) -> bool:
    """Count the next `most` or so; returns whether more are left. Locks: the mark."""
    cursor = _lock_mark(uow)
    if cursor.read_until >= until:
        return False
    cursor.read_until = _count_from(uow, cursor.read_until, until, most)
    uow.flush()
    return cursor.read_until < until


def recount(uow: UnitOfWork) -> None:
    """Count anew all that was counted and is still kept; days whose touchpoints are gone stay as they are. Locks: the mark."""
    cursor = _lock_mark(uow)
    uow.session.execute(_FORGET)
    since = BEGINNING
    while since < cursor.read_until:
        since = _count_from(uow, since, cursor.read_until, MOST)


def _lock_mark(uow: UnitOfWork) -> EventCursor:
    new = insert(EventCursor).values(reader=READER, read_until=BEGINNING)
    uow.session.execute(new.on_conflict_do_nothing(index_elements=["reader"]))
    return uow.session.get_one(EventCursor, READER, with_for_update=True, populate_existing=True)


def _count_from(uow: UnitOfWork, since: datetime, until: datetime, most: int) -> datetime:
    """Count from `since` on; returns up to when, exclusively."""
    first = uow.session.scalar(_NEXT, {"since": since, "earliest": since - BEHIND})
    if first is None or first >= until:
        return until
    end: datetime = uow.session.scalar(_PLACE, {"most": most, **_bounds(first, until)}) or until
    # As many as that, received at one instant, are counted together.
    end = min(until, max(end, first + timedelta(microseconds=1)))
    uow.session.execute(_ADD, _bounds(first, end))
    return end


def _bounds(since: datetime, until: datetime) -> dict[str, Any]:
    return {"since": since, "until": until, "earliest": since - BEHIND, "latest": until + AHEAD}
