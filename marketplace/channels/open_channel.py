"""A channel is opened and changed; people follow it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.ids import uuid7
from marketplace.channels.index_channel import index_channel
from marketplace.channels.models import Channel, Follow
from marketplace.input_text import line, optional_line, paragraphs
from marketplace.parties.require_company import require_company

_HANDLE = re.compile(r"[a-z0-9][a-z0-9-]{1,38}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class OpenChannel:
    """A channel's public face. The handle is its address: 3 to 40 of a–z, 0–9 and dash. A name in one language is enough."""

    handle: str
    name: str = ""
    name_en: str = ""
    bio: str = ""
    bio_en: str = ""


def open_channel(uow: UnitOfWork, command: OpenChannel) -> Channel:
    """Open a channel of the acting organization.

    Raises:
        Invalid: `handle_invalid`, `text_required`, `text_too_long`.
        Conflict: `handle_taken`, `circle_is_no_company`.
    """
    require_company(uow)
    handle = command.handle.strip().lower()
    if not _HANDLE.fullmatch(handle):
        raise Invalid("handle_invalid", field="handle")
    name, name_en = _names(command)
    channel = Channel(
        id=uuid7(),
        org_id=uow.principal.organization(),
        handle=handle,
        name=name,
        name_en=name_en,
        bio=paragraphs("bio", command.bio, 1000),
        bio_en=paragraphs("bio_en", command.bio_en, 1000),
        created_at=clock.now(),
    )
    uow.session.add(channel)
    uow.flush()
    index_channel(uow, channel)
    return channel


@dataclass(frozen=True, slots=True)
class ChangeChannel:
    """A channel's words. Its handle stays: links name it."""

    channel_id: UUID
    name: str = ""
    name_en: str = ""
    bio: str = ""
    bio_en: str = ""


def change_channel(uow: UnitOfWork, command: ChangeChannel) -> Channel:
    """Change the words of one of the acting organization's channels.

    Raises:
        NotFound: `channel_not_found`. Invalid: `text_required`, `text_too_long`.
    """
    channel = lock_row(uow.session, Channel, command.channel_id)
    if channel is None or channel.org_id != uow.principal.organization():
        raise NotFound("channel_not_found")
    channel.name, channel.name_en = _names(command)
    channel.bio, channel.bio_en = paragraphs("bio", command.bio, 1000), paragraphs("bio_en", command.bio_en, 1000)
    uow.flush()
    index_channel(uow, channel)
    return channel


def _names(command: OpenChannel | ChangeChannel) -> tuple[str, str]:
    name, name_en = optional_line("name", command.name, 60), optional_line("name_en", command.name_en, 60)
    return (name, name_en) if name_en else (line("name", name, 60), "")


def follow_channel(uow: UnitOfWork, channel_id: UUID) -> None:
    """Let the acting person follow a channel; no prior relation of the two organizations is needed. Idempotent.

    Raises:
        NotFound: `channel_not_found`.
    """
    if uow.session.get(Channel, channel_id) is None:
        raise NotFound("channel_not_found")
    uow.session.execute(
        insert(Follow)
        .values(
            id=uuid7(),
            org_id=uow.principal.organization(),
            person_id=uow.principal.person(),
            channel_id=channel_id,
            created_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["org_id", "person_id", "channel_id"])
    )


def unfollow_channel(uow: UnitOfWork, channel_id: UUID) -> None:
    """End it; not following, nothing changes."""
    uow.session.execute(
        delete(Follow).where(
            Follow.org_id == uow.principal.organization(),
            Follow.person_id == uow.principal.person(),
            Follow.channel_id == channel_id,
        )
    )
