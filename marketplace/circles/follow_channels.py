"""A circle follows channels, so that its members find their latest videos on its page."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from marketplace.channels.models import Channel
from marketplace.circles.access import beyond_own, leader_of
from marketplace.circles.found_circle import locked_circle
from marketplace.circles.models import CircleChannel

MOST_CHANNELS = 20


def follow_for_circle(uow: UnitOfWork, circle_id: UUID, channel_id: UUID) -> None:
    """Let a circle follow a channel. Done already, nothing changes.

    Raises: as `leader_of`; NotFound `channel_not_found`; Conflict `circle_channels_full`. Locks: the circle.
    """
    leader_of(uow, circle_id)
    if uow.session.get(Channel, channel_id) is None:
        raise NotFound("channel_not_found")
    with beyond_own(uow):
        locked_circle(uow, circle_id)
        if uow.session.get(CircleChannel, (circle_id, channel_id)) is not None:
            return
        followed = select(func.count()).where(CircleChannel.org_id == circle_id)
        if (uow.session.scalar(followed) or 0) >= MOST_CHANNELS:
            raise Conflict("circle_channels_full", most=MOST_CHANNELS)
        uow.session.add(CircleChannel(org_id=circle_id, channel_id=channel_id, created_at=clock.now()))
        uow.flush()


def unfollow_for_circle(uow: UnitOfWork, circle_id: UUID, channel_id: UUID) -> None:
    """Let it follow a channel no more. Done already, nothing changes. Raises: as `leader_of`. Locks: the circle."""
    leader_of(uow, circle_id)
    with beyond_own(uow):
        locked_circle(uow, circle_id)
        row = uow.session.get(CircleChannel, (circle_id, channel_id))
        if row is not None:
            uow.session.delete(row)
            uow.flush()
