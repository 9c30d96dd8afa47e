"""Halls as everybody sees them, and as their organizer and exhibitors do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.platform_scope import reading_as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from kernel.states import state_in
from marketplace.halls.models import STANDING, Hall, HallAgendaItem, HallBooth, HallBoothItem
from marketplace.halls.register import shown_booth
from marketplace.halls.save_hall import PERMISSION, require_organizer
from marketplace.videos.access import OPEN
from marketplace.videos.models import Video

MOST_VIDEOS = 100
"""Of how many of its latest videos an organization chooses."""

Phase = Literal["draft", "upcoming", "open", "closed", "archived"]


@dataclass(frozen=True, slots=True)
class HallView:
    """A hall. `phase`: where it stands by the clock."""

    id: UUID
    org_id: UUID
    organizer_name: str
    title: str
    title_en: str
    about: str
    about_en: str
    visibility: str
    state: str
    phase: Phase
    opens_at: datetime
    closes_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class BoothView:
    """A booth with what it shows, in order. What is on sale or watchable no more is left to the reader to find gone."""

    id: UUID
    hall_id: UUID
    exhibitor_org_id: UUID
    exhibitor_name: str
    state: str
    position: int
    channel_id: UUID | None
    words: str
    words_en: str
    listing_ids: tuple[UUID, ...]
    video_ids: tuple[UUID, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AgendaView:
    """One thing of an agenda."""

    id: UUID
    starts_at: datetime
    ends_at: datetime
    title: str
    title_en: str
    speaker: str
    video_id: UUID | None


@dataclass(frozen=True, slots=True)
class HallInvitation:
    """A booth as its exhibitor reads it: in which hall, whose, and when."""

    booth: BoothView
    hall: HallView


def list_halls(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[HallView]:
    """Halls that everybody may see, the latest opening first."""
    found = select(Hall).where(state_in(Hall.state, "published"), Hall.visibility == "public")
    rows = uow.session.scalars(newest_first(found, Hall.opens_at, Hall.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.opens_at, row.id))
    return Page([hall_view(row) for row in page.items], page.next_cursor)


def get_hall(uow: UnitOfWork, hall_id: UUID) -> HallView:
    """A published hall for whoever has its link; its organizer's in any state. Raises NotFound(`hall_not_found`)."""
    hall = uow.session.get(Hall, hall_id)
    if hall is None or not (hall.state == "published" or hall.org_id == uow.principal.org_id):
        raise NotFound("hall_not_found")
    return hall_view(hall)


def booths_of(uow: UnitOfWork, hall_id: UUID, *, only_accepted: bool = True) -> tuple[BoothView, ...]:
    """The booths of a hall that the caller has shown to be the reader's, in their order."""
    states = ("accepted",) if only_accepted else (*STANDING, "declined")
    wanted = select(HallBooth).where(HallBooth.hall_id == hall_id, state_in(HallBooth.state, *states))
    with reading_as_platform(uow):
        rows = uow.session.scalars(wanted.order_by(HallBooth.position, HallBooth.id)).all()
        return _booth_views(uow, rows)


def agenda_of(uow: UnitOfWork, hall_id: UUID) -> tuple[AgendaView, ...]:
    """The agenda of a hall that the caller has shown to be the reader's, in its order."""
    wanted = select(HallAgendaItem).where(HallAgendaItem.hall_id == hall_id)
    with reading_as_platform(uow):
        rows = uow.session.scalars(wanted.order_by(HallAgendaItem.starts_at, HallAgendaItem.id)).all()
    return tuple(AgendaView(*(getattr(row, name) for name in AgendaView.__slots__)) for row in rows)


def get_booth(uow: UnitOfWork, booth_id: UUID) -> HallInvitation:
    """An accepted booth of a published hall. Raises NotFound(`booth_not_found`)."""
    booth, hall = shown_booth(uow, booth_id)
    with reading_as_platform(uow):
        return HallInvitation(_booth_views(uow, [booth])[0], hall_view(hall))


def list_own_halls(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[HallView]:
    """The acting organizer's, the newest first. Raises as `require_organizer`."""
    require_organizer(uow)
    found = select(Hall).where(Hall.org_id == uow.principal.organization())
    rows = uow.session.scalars(newest_first(found, Hall.created_at, Hall.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page([hall_view(row) for row in page.items], page.next_cursor)


def get_own_hall(uow: UnitOfWork, hall_id: UUID) -> HallView:
    """One of the acting organizer's. Raises as `require_organizer`; NotFound(`hall_not_found`)."""
    require_organizer(uow)
    hall = uow.session.get(Hall, hall_id)
    if hall is None or hall.org_id != uow.principal.organization():
        raise NotFound("hall_not_found")
    return hall_view(hall)


def list_own_booths(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[HallInvitation]:
    """Where the acting organization exhibits or is invited to, the newest first.

    Raises Forbidden(`permission_missing`) without catalog.write.
    """
    uow.principal.require(PERMISSION)
    found = select(HallBooth).where(
        HallBooth.exhibitor_org_id == uow.principal.organization(), state_in(HallBooth.state, *STANDING)
    )
    rows = uow.session.scalars(newest_first(found, HallBooth.created_at, HallBooth.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page(_invitations(uow, page.items), page.next_cursor)


def get_own_booth(uow: UnitOfWork, booth_id: UUID) -> HallInvitation:
    """A booth of the acting exhibitor, in any state. Raises Forbidden(`permission_missing`), NotFound(`booth_not_found`)."""
    uow.principal.require(PERMISSION)
    booth = uow.session.get(HallBooth, booth_id)
    if booth is None or booth.exhibitor_org_id != uow.principal.organization():
        raise NotFound("booth_not_found")
    return _invitations(uow, [booth])[0]


def watchable_videos_of(uow: UnitOfWork, org_id: UUID) -> list[tuple[UUID, str, str]]:
    """An organization's videos that everybody may watch, the newest first: id and titles."""
    rows = uow.session.execute(
        select(Video.id, Video.title, Video.title_en)
        .where(Video.org_id == org_id, state_in(Video.state, "published"), Video.visibility.in_(OPEN))
        .order_by(Video.published_at.desc(), Video.id)
        .limit(MOST_VIDEOS)
    )
    return [(row.id, row.title, row.title_en) for row in rows]


def hall_view(row: Hall) -> HallView:
    """As it is read, with where it stands now."""
    held = {name: getattr(row, name) for name in HallView.__slots__ if name != "phase"}
    return HallView(phase=_phase(row), **held)


def _phase(row: Hall) -> Phase:
    if row.state == "draft":
        return "draft"
    if row.state == "archived":
        return "archived"
    now = clock.now()
    if now < row.opens_at:
        return "upcoming"
    return "open" if now < row.closes_at else "closed"


def _invitations(uow: UnitOfWork, booths: Sequence[HallBooth]) -> list[HallInvitation]:
    """An exhibitor reads of a hall what everybody will, while it is a draft, too."""
    with reading_as_platform(uow):
        rows = uow.session.scalars(select(Hall).where(Hall.id.in_({one.hall_id for one in booths}))).all()
        halls = {row.id: hall_view(row) for row in rows}
        views = _booth_views(uow, booths)
    return [HallInvitation(one, halls[one.hall_id]) for one in views]


def _booth_views(uow: UnitOfWork, booths: Sequence[HallBooth]) -> tuple[BoothView, ...]:
    listings: dict[UUID, list[UUID]] = {}
    videos: dict[UUID, list[UUID]] = {}
    if booths:
        wanted = select(HallBoothItem).where(HallBoothItem.booth_id.in_([one.id for one in booths]))
        for item in uow.session.scalars(wanted.order_by(HallBoothItem.position)):
            if item.listing_id is not None:
                listings.setdefault(item.booth_id, []).append(item.listing_id)
            elif item.video_id is not None:
                videos.setdefault(item.booth_id, []).append(item.video_id)
    return tuple(
        BoothView(
            id=one.id,
            hall_id=one.hall_id,
            exhibitor_org_id=one.exhibitor_org_id,
            exhibitor_name=one.exhibitor_name,
            state=one.state,
            position=one.position,
            channel_id=one.channel_id,
            words=one.words,
            words_en=one.words_en,
            listing_ids=tuple(listings.get(one.id, ())),
            video_ids=tuple(videos.get(one.id, ())),
            created_at=one.created_at,
        )
        for one in booths
    )
