"""What the people who look after an organization's systems are told of its robots: that one of them posts nothing any more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.notifications.notify import NewNotification
from marketplace.robots.events import RobotDisabled
from marketplace.robots.models import GroupRobot
from orders.notifications.notifiers import RecordedEvent, notifies_of


@notifies_of(RobotDisabled)
def robot_disabled(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever may mend it learns that its group is told nothing."""
    wanted = select(GroupRobot).where(GroupRobot.id.in_([event.uuid("robot_id") for event in events]))
    found = {row.id: row for row in uow.session.scalars(wanted)}
    for event in events:
        row = found[event.uuid("robot_id")]
        yield NewNotification(
            event.id,
            event.at,
            "robot_failing" if event.payload["disabled_for"] == "failures" else "robot_refused",
            f"/organization/robots/{row.id}",
            {"what": row.name},
            org_id=row.org_id,
            permission="webhooks.manage",
        )
