"""Reads about channels. A channel is public; who follows it is not, beyond the number and the reader's own answer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from marketplace.channels.models import Channel, Follow


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A channel as anybody sees it. `followed` is the acting person's own."""

    id: UUID
    org_id: UUID
    handle: str
    name: str
    name_en: str
    bio: str
    bio_en: str
    followed: bool
    created_at: datetime


def list_own_channels(uow: UnitOfWork) -> list[ChannelView]:
    """The acting organization's channels, oldest first."""
    statement = (
        select(Channel).where(Channel.org_id == uow.principal.organization()).order_by(Channel.created_at, Channel.id)
    )
    return [_view(channel, followed=False) for channel in uow.session.scalars(statement)]


def get_channel(uow: UnitOfWork, channel: UUID | str) -> ChannelView:
    """A channel by id or handle. Raises NotFound(`channel_not_found`)."""
    key = Channel.id == channel if isinstance(channel, UUID) else Channel.handle == channel
    found = uow.session.scalar(select(Channel).where(key))
    if found is None:
        raise NotFound("channel_not_found")
    return _view(found, followed=found.id in followed_by(uow))


def list_channels_by_id(uow: UnitOfWork, channel_ids: Collection[UUID]) -> dict[UUID, ChannelView]:
    """Those of these channels that there are, by id."""
    if not channel_ids:
        return {}
    followed = followed_by(uow)
    rows = uow.session.scalars(select(Channel).where(Channel.id.in_(list(channel_ids))))
    return {row.id: _view(row, followed=row.id in followed) for row in rows}


def followed_by(uow: UnitOfWork) -> frozenset[UUID]:
    """The channels the acting person follows; empty for visitors and keys."""
    principal = uow.principal
    if principal.org_id is None or principal.person_id is None:
        return frozenset()
    statement = select(Follow.channel_id).where(
        Follow.org_id == principal.org_id, Follow.person_id == principal.person_id
    )
    return frozenset(uow.session.scalars(statement))


def _view(row: Channel, *, followed: bool) -> ChannelView:
    return ChannelView(
        row.id, row.org_id, row.handle, row.name, row.name_en, row.bio, row.bio_en, followed, row.created_at
    )
