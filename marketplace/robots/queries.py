"""What an organization may know of its robots, and of what was posted by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from marketplace.notifications.notification_text import notification_text
from marketplace.robots.models import GroupRobot, RobotMessage
from marketplace.robots.save_robot import MANAGE


@dataclass(frozen=True, slots=True)
class RobotView:
    """A robot, without its credentials."""

    id: UUID
    name: str
    provider: Literal["dingtalk", "wecom", "feishu"]
    topics: Sequence[str]
    locale: str
    state: Literal["active", "disabled"]
    disabled_for: Literal["owner", "failures", "refused"] | None
    disabled_at: datetime | None
    hint: str
    failures: int
    failing_since: datetime | None
    last_reason: str | None
    """What the provider said to the latest call that was not taken."""
    tested_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RobotMessageView:
    """One thing that was posted, or waits. `title`: its words, in the robot's language."""

    id: UUID
    kind: str
    title: str
    state: Literal["pending", "sent", "failed"]
    tries: int
    failure: Literal["exhausted", "robot_disabled", "robot_removed"] | None
    created_at: datetime
    ended_at: datetime | None


def robots_of(uow: UnitOfWork) -> list[RobotView]:
    """The acting organization's robots, the oldest first. Raises Forbidden."""
    uow.principal.require(MANAGE)
    wanted = (
        select(GroupRobot)
        .where(GroupRobot.org_id == uow.principal.organization(), GroupRobot.state != "removed")
        .order_by(GroupRobot.created_at, GroupRobot.id)
    )
    return [view_of_robot(row) for row in uow.session.scalars(wanted)]


def get_robot(uow: UnitOfWork, robot_id: UUID) -> RobotView:
    """One of them. Raises Forbidden, NotFound."""
    uow.principal.require(MANAGE)
    row = uow.session.get(GroupRobot, robot_id)
    if row is None or row.org_id != uow.principal.organization() or row.state == "removed":
        raise NotFound("not_found")
    return view_of_robot(row)


def robot_messages(
    uow: UnitOfWork, robot_id: UUID, *, cursor: str | None = None, limit: int = 20
) -> Page[RobotMessageView]:
    """What was posted by a robot, or waits for it, the newest first. Raises Forbidden, NotFound."""
    robot = get_robot(uow, robot_id)
    wanted = select(RobotMessage).where(RobotMessage.robot_id == robot.id)
    rows = list(
        uow.session.scalars(newest_first(wanted, RobotMessage.created_at, RobotMessage.id, cursor, limit)).all()
    )
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    items = [
        RobotMessageView(
            row.id,
            row.kind,
            notification_text(row.kind, row.params, robot.locale).title,
            row.state,
            row.tries,
            row.failure,
            row.created_at,
            row.ended_at,
        )
        for row in page.items
    ]
    return Page(items, page.next_cursor)


def view_of_robot(row: GroupRobot) -> RobotView:
    """Without the credentials."""
    return RobotView(
        row.id,
        row.name,
        row.provider,  # type: ignore[arg-type]
        tuple(row.topics),
        row.locale,
        row.state,  # type: ignore[arg-type]
        row.disabled_for,  # type: ignore[arg-type]
        row.disabled_at,
        row.hint,
        row.failures,
        row.failing_since,
        row.last_reason,
        row.tested_at,
        row.created_at,
    )
