"""Badges and exchanges as their bearers, exhibitors and the organizer read them, and how many there are of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from kernel.db.platform_scope import reading_as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from kernel.states import state_in
from marketplace.halls.models import Hall, HallBooth
from marketplace.halls.queries import HallView, get_own_booth, get_own_hall, hall_view
from marketplace.halls.register import find_own_badge
from marketplace.halls.visitor_models import HallBadge, HallExchange, HallVisit
from marketplace.leads.models import Lead

MOST_BADGES = 100


@dataclass(frozen=True, slots=True)
class BadgeView:
    """What a badge says, with the consent under which it was said."""

    id: UUID
    hall_id: UUID
    code: str
    name: str
    company: str
    job_title: str
    email: str
    phone: str
    consent_version: str | None
    consent_text: str | None
    consented_at: datetime | None


@dataclass(frozen=True, slots=True)
class GivenView:
    """An exchange as the bearer of the badge reads it."""

    id: UUID
    booth_id: UUID
    exhibitor_name: str
    state: str
    by_exhibitor: bool
    consent_text: str | None
    given_at: datetime | None
    lead_id: UUID | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class VisitorView:
    """A registered visitor, as the organizer reads it. The badge's code is its bearer's own."""

    id: UUID
    name: str
    company: str
    job_title: str
    email: str
    phone: str
    consented_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ExchangeView:
    """An exchange as the exhibitor reads it: of what is not given, or was taken back, nothing of the contact is there."""

    id: UUID
    booth_id: UUID
    state: str
    by_exhibitor: bool
    name: str
    company: str
    job_title: str
    email: str
    phone: str
    consent_version: str | None
    consent_text: str | None
    given_at: datetime | None
    lead_id: UUID | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LeadHall:
    """Where a lead comes from: at which booth of which hall its buyer gave a badge first."""

    hall_id: UUID
    booth_id: UUID
    title: str
    title_en: str


@dataclass(frozen=True, slots=True)
class BoothCount:
    """What came of a booth. `exchanges`: badges that are given now; `leads`, `won`: requests of those, and what was bought."""

    booth_id: UUID
    exhibitor_org_id: UUID
    exhibitor_name: str
    visits: int
    asked: int
    exchanges: int
    leads: int
    won: int


def get_own_badge(uow: UnitOfWork, hall_id: UUID) -> BadgeView:
    """The acting person's. Raises NotFound(`badge_not_found`) for whoever is not registered."""
    badge = find_own_badge(uow, hall_id)
    if badge is None:
        raise NotFound("badge_not_found")
    return BadgeView(*(getattr(badge, name) for name in BadgeView.__slots__))


def get_hall_of_badge(uow: UnitOfWork, hall_id: UUID) -> HallView:
    """The hall of a badge that the acting person bears, in any state: what was given there may be taken back at any time.

    Raises NotFound(`hall_not_found`).
    """
    if find_own_badge(uow, hall_id) is None:
        raise NotFound("hall_not_found")
    with reading_as_platform(uow):
        return hall_view(uow.session.get_one(Hall, hall_id))


def halls_of_own_badges(uow: UnitOfWork) -> list[HallView]:
    """The halls that the acting person is registered for, the latest opening first."""
    if uow.principal.person_id is None or uow.principal.org_id is None:
        return []
    mine = select(HallBadge.hall_id).where(
        HallBadge.visitor_org_id == uow.principal.org_id,
        HallBadge.person_id == uow.principal.person_id,
        state_in(HallBadge.state, "registered"),
    )
    with reading_as_platform(uow):
        rows = uow.session.scalars(
            select(Hall).where(Hall.id.in_(mine)).order_by(Hall.opens_at.desc(), Hall.id).limit(MOST_BADGES)
        ).all()
        return [hall_view(row) for row in rows]


def exchanges_of_badge(uow: UnitOfWork, badge_id: UUID) -> list[GivenView]:
    """What booths asked for or were given, the newest first, of a badge that the caller has shown to be the reader's."""
    with reading_as_platform(uow):
        rows = uow.session.execute(
            select(HallExchange, HallBooth.exhibitor_name)
            .join(HallBooth, HallBooth.id == HallExchange.booth_id)
            .where(HallExchange.badge_id == badge_id)
            .order_by(HallExchange.created_at.desc(), HallExchange.id.desc())
        ).all()
    return [
        GivenView(
            row.id,
            row.booth_id,
            name,
            row.state,
            row.by_exhibitor,
            row.consent_text,
            row.given_at,
            row.lead_id,
            row.created_at,
        )
        for row, name in rows
    ]


def find_badge_by_code(uow: UnitOfWork, code: str) -> UUID | None:
    """Of which hall a registered badge is; nothing else of it is told."""
    with reading_as_platform(uow):
        return uow.session.scalar(
            select(HallBadge.hall_id).where(HallBadge.code == code, state_in(HallBadge.state, "registered"))
        )


def list_visitors(uow: UnitOfWork, hall_id: UUID, *, cursor: str | None = None, limit: int = 20) -> Page[VisitorView]:
    """Who is registered for the acting organizer's hall, the newest first. Raises as `get_own_hall`."""
    get_own_hall(uow, hall_id)
    found = select(HallBadge).where(
        HallBadge.org_id == uow.principal.organization(),
        HallBadge.hall_id == hall_id,
        state_in(HallBadge.state, "registered"),
    )
    rows = uow.session.scalars(newest_first(found, HallBadge.created_at, HallBadge.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    views = [VisitorView(*(getattr(row, name) for name in VisitorView.__slots__)) for row in page.items]
    return Page(views, page.next_cursor)


def list_exchanges(
    uow: UnitOfWork, booth_id: UUID, *, cursor: str | None = None, limit: int = 20
) -> Page[ExchangeView]:
    """What the acting exhibitor's booth was given or asked for, the newest first. Raises as `get_own_booth`."""
    get_own_booth(uow, booth_id)
    found = select(HallExchange).where(
        HallExchange.exhibitor_org_id == uow.principal.organization(), HallExchange.booth_id == booth_id
    )
    rows = uow.session.scalars(newest_first(found, HallExchange.created_at, HallExchange.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    views = [ExchangeView(*(getattr(row, name) for name in ExchangeView.__slots__)) for row in page.items]
    return Page(views, page.next_cursor)


def hall_of_lead(uow: UnitOfWork, lead_id: UUID) -> LeadHall | None:
    """Where a lead comes from that the caller has shown to be the reader's; None when not of a hall."""
    with reading_as_platform(uow):
        row = uow.session.execute(
            select(Hall.id, HallExchange.booth_id, Hall.title, Hall.title_en)
            .join(HallBooth, HallBooth.id == HallExchange.booth_id)
            .join(Hall, Hall.id == HallBooth.hall_id)
            .where(HallExchange.lead_id == lead_id)
            .order_by(HallExchange.given_at, HallExchange.id)
            .limit(1)
        ).first()
    return LeadHall(*row) if row is not None else None


def count_visitors(uow: UnitOfWork, hall_id: UUID) -> tuple[int, int]:
    """How many people are registered, and of how many organizations."""
    with reading_as_platform(uow):
        people, organizations = uow.session.execute(
            select(func.count(HallBadge.id), func.count(HallBadge.visitor_org_id.distinct())).where(
                HallBadge.hall_id == hall_id, state_in(HallBadge.state, "registered")
            )
        ).one()
    return people, organizations


def count_booths(uow: UnitOfWork, booth_ids: Sequence[UUID]) -> dict[UUID, BoothCount]:
    """What came of these booths, by id, for a caller that has shown them to be the reader's."""
    with reading_as_platform(uow):
        booths = uow.session.scalars(select(HallBooth).where(HallBooth.id.in_(booth_ids))).all()
        visits = dict(
            uow.session.execute(
                select(HallVisit.booth_id, func.count())
                .where(HallVisit.booth_id.in_(booth_ids))
                .group_by(HallVisit.booth_id)
            ).all()
        )
        is_given = HallExchange.state == "given"
        counted = {
            row[0]: row[1:]
            for row in uow.session.execute(
                select(
                    HallExchange.booth_id,
                    func.count().filter(HallExchange.by_exhibitor),
                    func.count().filter(is_given),
                    func.count(HallExchange.lead_id.distinct()).filter(is_given),
                    func.count(HallExchange.lead_id.distinct()).filter(is_given, Lead.state == "won"),
                )
                .join(Lead, Lead.id == HallExchange.lead_id, isouter=True)
                .where(HallExchange.booth_id.in_(booth_ids))
                .group_by(HallExchange.booth_id)
            )
        }
    return {
        one.id: BoothCount(
            one.id,
            one.exhibitor_org_id,
            one.exhibitor_name,
            visits.get(one.id, 0),
            *counted.get(one.id, (0, 0, 0, 0)),
        )
        for one in booths
    }
