"""An organizer opens a hall, says when it is and what it is about, publishes and archives it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.principal import PrincipalKind
from marketplace.halls.models import HALL, VISIBILITIES, Hall, HallAgendaItem
from marketplace.input_text import line, optional_line, paragraphs
from marketplace.parties.lookups import get_party

PERMISSION = "catalog.write"
"""Of a seller's people who organize, and of exhibitors'."""
OPERATOR_PERMISSION = "operator.reviews"
"""Of the platform's own."""
MAX_TITLE, MAX_ABOUT = 100, 4_000
LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class SaveHall:
    """What a hall is. Without an `id` a new one."""

    title: str
    opens_at: datetime
    closes_at: datetime
    title_en: str = ""
    about: str = ""
    about_en: str = ""
    visibility: str = "public"
    id: UUID | None = None


def save_hall(uow: UnitOfWork, command: SaveHall) -> Hall:
    """Open a hall as a draft, or change one.

    Raises:
        Forbidden: `permission_missing`. Conflict: `hall_organizer_not_seller`; `hall_archived`; `hall_opened_already`: once it
            opened its opening stays, and it cannot close earlier than now.
        NotFound: `hall_not_found`. Invalid: `text_required`, `text_too_long`, `hall_visibility_invalid`, `hall_dates`,
            `hall_agenda_outside`.

    Locks: the hall.
    """
    require_organizer(uow)
    organizer_name = _organizer_name(uow) if command.id is None else ""
    if command.visibility not in VISIBILITIES:
        raise Invalid("hall_visibility_invalid", field="visibility")
    if not timedelta(0) < command.closes_at - command.opens_at <= LONGEST:
        raise Invalid("hall_dates", field="closes_at", days=LONGEST.days)
    said = {
        "title": line("title", command.title, MAX_TITLE),
        "title_en": optional_line("title_en", command.title_en, MAX_TITLE),
        "about": paragraphs("about", command.about, MAX_ABOUT),
        "about_en": paragraphs("about_en", command.about_en, MAX_ABOUT),
        "visibility": command.visibility,
        "opens_at": command.opens_at,
        "closes_at": command.closes_at,
    }
    if command.id is not None:
        hall = lock_own_hall(uow, command.id)
        _require_movable(uow, hall, command)
        for name, value in said.items():
            setattr(hall, name, value)
        uow.flush()
        return hall
    hall = Hall(
        id=uuid7(),
        org_id=uow.principal.organization(),
        organizer_name=organizer_name,
        published_at=None,
        created_at=clock.now(),
        **said,
    )
    HALL.begin(uow, hall, org_ids=[hall.org_id])
    uow.session.add(hall)
    uow.flush()
    return hall


def publish_hall(uow: UnitOfWork, hall_id: UUID) -> Hall:
    """Let everybody see it, an archived one again. Done already, nothing changes.

    Raises: as `lock_own_hall`; Conflict `hall_over` when it has closed. Locks: the hall.
    """
    hall = lock_own_hall(uow, hall_id)
    if hall.state != "published" and hall.closes_at <= clock.now():
        raise Conflict("hall_over")
    if HALL.move(uow, hall, "published", org_ids=[hall.org_id]):
        hall.published_at = hall.published_at or clock.now()
        uow.flush()
    return hall


def archive_hall(uow: UnitOfWork, hall_id: UUID) -> Hall:
    """Show it to nobody any more; what came of it stays with each side. Done already, nothing changes.

    Raises: as `lock_own_hall`; Conflict `invalid_transition` for a draft. Locks: the hall.
    """
    hall = lock_own_hall(uow, hall_id)
    HALL.move(uow, hall, "archived", org_ids=[hall.org_id])
    uow.flush()
    return hall


def require_organizer(uow: UnitOfWork) -> None:
    """Raises: Forbidden `permission_missing` to whoever may not organize for the acting organization."""
    is_operator = uow.principal.kind is PrincipalKind.OPERATOR
    uow.principal.require(OPERATOR_PERMISSION if is_operator else PERMISSION)


def _organizer_name(uow: UnitOfWork) -> str:
    """What the acting organizer is called. Raises Conflict(`hall_organizer_not_seller`)."""
    party = get_party(uow, uow.principal.organization())
    if not party.is_seller and not party.is_platform:
        raise Conflict("hall_organizer_not_seller")
    return party.display_name


def lock_own_hall(uow: UnitOfWork, hall_id: UUID) -> Hall:
    """A hall of the acting organizer. Raises as `require_organizer`; NotFound `hall_not_found`. Locks: the hall."""
    require_organizer(uow)
    hall = lock_row(uow.session, Hall, hall_id)
    if hall is None or hall.org_id != uow.principal.organization():
        raise NotFound("hall_not_found")
    return hall


def _require_movable(uow: UnitOfWork, hall: Hall, command: SaveHall) -> None:
    now = clock.now()
    if hall.state == "archived":
        raise Conflict("hall_archived")
    outside = or_(HallAgendaItem.starts_at < command.opens_at, HallAgendaItem.ends_at > command.closes_at)
    if uow.session.scalar(select(HallAgendaItem.id).where(HallAgendaItem.hall_id == hall.id, outside).limit(1)):
        raise Invalid("hall_agenda_outside", field="closes_at")
    if hall.state != "published" or hall.opens_at > now:
        return
    moved_end = command.closes_at != hall.closes_at and command.closes_at < now
    if command.opens_at != hall.opens_at or moved_end:
        raise Conflict("hall_opened_already")
