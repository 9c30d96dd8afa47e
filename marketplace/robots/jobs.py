"""The job and the sweeps of group robots; registered once by the composition."""

from __future__ import annotations

from datetime import timedelta

from kernel import clock
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import call, sweep
from kernel.secrets import SecretBox
from marketplace.robots.protocols import RobotPoster
from marketplace.robots.queue_messages import SEND, wake_robots
from marketplace.robots.schedule import RETENTION
from marketplace.robots.send_messages import SendRobotMessages

WAKE = "marketplace.robots.wake"
RETENTION_SWEEP = "marketplace.robots.retention"
BATCH = 1_000
_DUE = """
    SELECT r.id FROM marketplace.group_robot r
    WHERE r.state = 'active' AND (r.rests_until IS NULL OR r.rests_until <= $1)
      AND EXISTS (SELECT 1 FROM marketplace.robot_message m
                  WHERE m.robot_id = r.id AND m.state = 'pending' AND m.next_attempt_at <= $1)
      AND NOT EXISTS (SELECT 1 FROM kernel.job j
                      WHERE j.kind = 'marketplace.robots.send' AND j.dedupe_key = CAST(r.id AS text))
"""
_LEFT = """
    UPDATE marketplace.robot_message m SET state = 'failed', next_attempt_at = NULL, ended_at = $1,
           failure = CASE r.state WHEN 'removed' THEN 'robot_removed' ELSE 'robot_disabled' END
    FROM marketplace.group_robot r
    WHERE r.state <> 'active' AND m.robot_id = r.id AND m.state = 'pending'
"""
"""What was written while its robot was being switched off."""
_OLD = """
    DELETE FROM marketplace.robot_message WHERE id IN (
        SELECT id FROM marketplace.robot_message WHERE created_at < $1 AND state <> 'pending'
        ORDER BY created_at, id LIMIT $2) RETURNING id
"""


def register(poster: RobotPoster, box: SecretBox) -> None:
    """Register what posts, what looks for what is due, and what forgets."""
    call(SEND)(SendRobotMessages(poster, box))

    @sweep(WAKE, every=timedelta(seconds=2))
    def look(transact: Transact) -> None:
        transact(wake_due_robots)

    @sweep(RETENTION_SWEEP, every=timedelta(hours=6))
    def purge(transact: Transact) -> None:
        while transact(purge_robot_messages) == BATCH:
            continue


def wake_due_robots(uow: UnitOfWork) -> int:
    """Have what is due posted, by each robot of which no job exists. Returns by how many."""
    uow.cursor.queue(_LEFT, (clock.now(),))
    found = [row[0] for row in uow.cursor.execute(_DUE, (clock.now(),)).fetchall()]
    wake_robots(uow, found)
    return len(found)


def purge_robot_messages(uow: UnitOfWork) -> int:
    """Forget the oldest that are older than `RETENTION`. Returns how many; as many as `BATCH`: there are more."""
    return len(uow.cursor.execute(_OLD, (clock.now() - RETENTION, BATCH)).fetchall())
