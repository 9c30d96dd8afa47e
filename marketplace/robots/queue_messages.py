"""Notifications of an organization become messages of its robots, in the transaction in which people are told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import partial

from psycopg.types.json import Jsonb

from kernel import clock
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.jobs.outbox import enqueue
from marketplace.notifications.notify import NewNotification
from marketplace.robots.topics import TOPIC_OF

SEND = "marketplace.robots.send"
"""The job that posts what is due by one robot."""
_QUEUED = """
    INSERT INTO marketplace.robot_message
        (id, org_id, robot_id, event_id, kind, params, path, state, next_attempt_at, created_at)
    SELECT gen_random_uuid(), r.org_id, r.id, n.event_id, n.kind, n.params, n.path, 'pending', $2::timestamptz, n.created_at
    FROM jsonb_to_recordset($1) AS n(org_id uuid, topic text, event_id uuid, kind text, params jsonb, path text,
                                     created_at timestamptz)
    JOIN marketplace.group_robot r ON r.org_id = n.org_id AND r.state = 'active' AND r.topics ? n.topic
    ON CONFLICT (robot_id, event_id, kind) DO NOTHING RETURNING robot_id
"""
_dumps = partial(json.dumps, default=str)


def queue_robot_messages(uow: UnitOfWork, notifications: Sequence[NewNotification]) -> None:
    """Have each robot of an organization post what it was asked to, whoever of its people is told and how.

    Idempotent by: robot, event and kind.
    """
    rows = [
        {
            "org_id": one.org_id,
            "topic": TOPIC_OF[one.kind],
            "event_id": one.event_id,
            "kind": one.kind,
            "params": dict(one.params),
            "path": one.path,
            "created_at": one.at,
        }
        for one in notifications
        if one.org_id is not None and one.kind in TOPIC_OF
    ]
    if not rows:
        return
    with as_platform(uow):
        made = uow.cursor.execute(_QUEUED, (Jsonb(rows, dumps=_dumps), clock.now())).fetchall()
        wake_robots(uow, {row[0] for row in made})


def wake_robots(uow: UnitOfWork, robot_ids: Iterable[object]) -> None:
    """Have what is due posted. Where a job of the robot is running already, the sweep looks again."""
    for robot_id in sorted(map(str, robot_ids)):
        enqueue(uow, SEND, {"robot_id": robot_id}, dedupe_key=robot_id)
