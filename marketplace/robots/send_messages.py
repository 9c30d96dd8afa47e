"""Post what is due by one robot: several things in one post, one post after another, at the provider's pace.

One job works for one robot, and there is never a second of it: so nothing is posted twice at a time, and a limit that a
provider counts is kept without counting.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.jobs.context import JobClaim
from kernel.jobs.kinds import Again
from kernel.secrets import SecretBox
from kernel.states import state_in
from marketplace.notifications.notification_text import notification_text
from marketplace.robots.credentials import Credentials, open_credentials
from marketplace.robots.message_text import RobotItem, how_many_fit
from marketplace.robots.models import GroupRobot, RobotMessage
from marketplace.robots.protocols import PACE, REST, Posted, RobotPoster
from marketplace.robots.save_robot import disable_robot
from marketplace.robots.schedule import DISABLED_AFTER, wait_after

MOST_ITEMS = 10


@dataclass(frozen=True, slots=True)
class RobotPost:
    """What is posted now."""

    robot_id: UUID
    provider: str
    credentials: Credentials = field(repr=False)
    message_ids: tuple[UUID, ...]
    items: tuple[RobotItem, ...]


class SendRobotMessages:
    """The steps of the job of one robot."""

    def __init__(self, poster: RobotPoster, box: SecretBox) -> None:
        self._poster = poster
        self._box = box

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> RobotPost | None:
        """What is due, as much as one post takes; None when nothing is, or the robot rests or is off."""
        row = uow.session.get(GroupRobot, UUID(claim.payload["robot_id"]))
        if row is None or row.state != "active" or (row.rests_until is not None and row.rests_until > clock.now()):
            return None
        due = (
            select(RobotMessage)
            .where(
                RobotMessage.robot_id == row.id,
                state_in(RobotMessage.state, "pending"),
                RobotMessage.next_attempt_at <= clock.now(),
            )
            .order_by(RobotMessage.next_attempt_at, RobotMessage.created_at, RobotMessage.id)
            .limit(MOST_ITEMS)
        )
        messages = list(uow.session.scalars(due))
        if not messages:
            return None
        items = [self._item(one, row.locale) for one in messages]
        fitting = how_many_fit(items)
        return RobotPost(
            row.id,
            row.provider,
            open_credentials(self._box, row),
            tuple(one.id for one in messages[:fitting]),
            tuple(items[:fitting]),
        )

    def call(self, request: RobotPost) -> Posted:
        """One post."""
        name = f"robot:{request.robot_id}"
        return self._poster.post(request.provider, request.credentials, request.items, in_name_of=name)

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: RobotPost, answer: Posted) -> Again | None:
        """Write down what came of it. Locks: the robot, then its messages."""
        del claim
        row = lock_row(uow.session, GroupRobot, request.robot_id)
        assert row is not None  # noqa: S101 - robots are never deleted
        now = clock.now()
        row.last_reason = answer.said or None
        if answer.outcome == "taken":
            self._taken(uow, request)
            row.failures, row.failing_since = 0, None
            row.rests_until = now + PACE[row.provider]
        elif answer.outcome == "busy":
            rest = REST[row.provider] if answer.rest_s is None else timedelta(seconds=answer.rest_s)
            row.rests_until = now + rest
        else:
            self._failed(uow, row, request)
            if row.state == "active" and answer.outcome == "refused":
                disable_robot(uow, row, "refused")
            elif row.state == "active" and row.failing_since is not None and now - row.failing_since >= DISABLED_AFTER:
                disable_robot(uow, row, "failures")
        uow.flush()
        if row.state != "active" or row.rests_until is None or not self._more(uow, row.id):
            return None
        return Again(max(row.rests_until - now, timedelta()), "more is to be posted")

    def _item(self, message: RobotMessage, locale: str) -> RobotItem:
        said = notification_text(message.kind, message.params, locale)
        return RobotItem(said.title, said.text, said.action, self._poster.public_url + message.path)

    def _taken(self, uow: UnitOfWork, request: RobotPost) -> None:
        uow.session.execute(
            update(RobotMessage)
            .where(RobotMessage.id.in_(request.message_ids))
            .values(
                state="sent",
                tries=RobotMessage.tries + 1,
                next_attempt_at=None,
                failure=None,
                ended_at=clock.now(),
            )
            .execution_options(synchronize_session=False)
        )

    def _failed(self, uow: UnitOfWork, row: GroupRobot, request: RobotPost) -> None:
        """One try more of each that is still pending, and the robot rests until the first of them is due again."""
        now = clock.now()
        row.failures += 1
        row.failing_since = row.failing_since or now
        first: timedelta | None = None
        wanted = select(RobotMessage).where(RobotMessage.id.in_(request.message_ids)).with_for_update()
        for one in uow.session.scalars(wanted.execution_options(populate_existing=True)):
            one.tries += 1
            if one.state != "pending":
                continue
            wait = wait_after(one.tries)
            if wait is None:
                one.state, one.failure, one.next_attempt_at, one.ended_at = "failed", "exhausted", None, now
            else:
                one.next_attempt_at = now + wait
                first = wait if first is None else min(first, wait)
        row.rests_until = now + (first or PACE[row.provider])

    def _more(self, uow: UnitOfWork, robot_id: UUID) -> bool:
        wanted = select(RobotMessage.id).where(
            RobotMessage.robot_id == robot_id, state_in(RobotMessage.state, "pending")
        )
        return uow.session.scalar(wanted.limit(1)) is not None
