"""A member registers for a hall, with consent, and gets a badge; it comes to booths, and may withdraw."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from kernel import clock
from kernel.db.locks import lock_rows
from kernel.db.platform_scope import reading_as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from marketplace.halls.consent_text import CONSENT_VERSION, consent_text, require_consent
from marketplace.halls.models import Hall, HallBooth
from marketplace.halls.visitor_models import BADGE, CONTACT, HallBadge, HallVisit
from marketplace.input_text import checked_email, line, optional_line

ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without what is read as something else."""
CODE_LENGTH: Final = 12
"""Of 60 random bits: nobody guesses one."""


@dataclass(frozen=True, slots=True)
class Register:
    """What the badge says. A mailbox or a telephone at least, as the visitor chooses; `locale`: in which the consent was read."""

    hall_id: UUID
    name: str
    company: str
    consent_version: str
    job_title: str = ""
    email: str = ""
    phone: str = ""
    locale: str = "zh-CN"


def register_visitor(uow: UnitOfWork, command: Register) -> HallBadge:
    """Register the acting person for a published hall that is not over, or say otherwise what its badge says.

    The badge keeps its code. What was given to booths stays as it was then.

    Raises:
        Forbidden: `person_required`. NotFound: `hall_not_found`. Conflict: `hall_over`, `consent_outdated`.
        Invalid: `consent_required`, `text_required`, `text_too_long`, `email_invalid`, `badge_contact_required`.

    Locks: the badge. Idempotent by: hall, organization and person.
    """
    person_id, org_id = uow.principal.person(), uow.principal.organization()
    hall = shown_hall(uow, command.hall_id)
    if hall.closes_at <= clock.now():
        raise Conflict("hall_over")
    require_consent(command.consent_version)
    said = {
        "name": line("name", command.name, 100),
        "company": line("company", command.company, 200),
        "job_title": optional_line("job_title", command.job_title, 100),
        "email": checked_email(command.email) if command.email.strip() else "",
        "phone": optional_line("phone", command.phone, 40),
    }
    if not said["email"] and not said["phone"]:
        raise Invalid("badge_contact_required", field="email")
    badge = own_badge(uow, hall.id, lock=True)
    is_new = badge is None
    if badge is None:
        badge = HallBadge(
            id=uuid7(),
            hall_id=hall.id,
            org_id=hall.org_id,
            visitor_org_id=org_id,
            person_id=person_id,
            code="".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH)),
            created_at=clock.now(),
        )
        BADGE.begin(uow, badge, org_ids=badge.parties)
    elif all(getattr(badge, name) == value for name, value in said.items()) and badge.state == "registered":
        return badge
    else:
        BADGE.move(uow, badge, "registered", org_ids=badge.parties)
    for name, value in said.items():
        setattr(badge, name, value)
    badge.consent_version = CONSENT_VERSION
    badge.consent_text = consent_text("registration", command.locale, hall.organizer_name)
    badge.consented_at = clock.now()
    if is_new:
        uow.session.add(badge)
    uow.flush()
    return badge


def forget_badge(uow: UnitOfWork, badge: HallBadge) -> None:
    """The organizer keeps nothing of what it said; the code stands for nobody. The caller has locked it."""
    if BADGE.move(uow, badge, "withdrawn", org_ids=badge.parties):
        for name in CONTACT:
            setattr(badge, name, "")
        badge.consent_version = badge.consent_text = badge.consented_at = None
        uow.flush()


def record_visit(uow: UnitOfWork, booth_id: UUID) -> bool:
    """A registered visitor looks at a booth while the hall is open. Returns whether it was the first time.

    Whoever is not registered, or looks at its own organization's booth, is not counted. Raises: NotFound `booth_not_found`.
    Idempotent by: booth and badge.
    """
    booth, hall = shown_booth(uow, booth_id)
    now = clock.now()
    badge = find_own_badge(uow, hall.id)
    if badge is None or not hall.opens_at <= now < hall.closes_at or badge.visitor_org_id == booth.exhibitor_org_id:
        return False
    added = uow.session.scalar(
        insert(HallVisit)
        .values(
            booth_id=booth.id,
            badge_id=badge.id,
            org_id=hall.org_id,
            exhibitor_org_id=booth.exhibitor_org_id,
            visitor_org_id=badge.visitor_org_id,
            visited_at=now,
        )
        .on_conflict_do_nothing()
        .returning(HallVisit.booth_id)
    )
    return added is not None


def find_own_badge(uow: UnitOfWork, hall_id: UUID) -> HallBadge | None:
    """The acting person's badge for a hall, where it is registered."""
    badge = own_badge(uow, hall_id) if uow.principal.person_id and uow.principal.org_id else None
    return badge if badge is not None and badge.state == "registered" else None


def own_badge(uow: UnitOfWork, hall_id: UUID, *, lock: bool = False) -> HallBadge | None:
    """The same, registered or withdrawn. Locks: the badge, where asked to."""
    wanted = select(HallBadge.id).where(
        HallBadge.hall_id == hall_id,
        HallBadge.visitor_org_id == uow.principal.organization(),
        HallBadge.person_id == uow.principal.person(),
    )
    found = uow.session.scalar(wanted)
    if found is None:
        return None
    return lock_rows(uow.session, HallBadge, [found])[0] if lock else uow.session.get_one(HallBadge, found)


def shown_hall(uow: UnitOfWork, hall_id: UUID) -> Hall:
    """A hall that is published. Raises NotFound(`hall_not_found`)."""
    hall = uow.session.get(Hall, hall_id)
    if hall is None or hall.state != "published":
        raise NotFound("hall_not_found")
    return hall


def shown_booth(uow: UnitOfWork, booth_id: UUID) -> tuple[HallBooth, Hall]:
    """An accepted booth of a published hall. Raises NotFound(`booth_not_found`)."""
    with reading_as_platform(uow):
        booth = uow.session.get(HallBooth, booth_id)
        hall = uow.session.get(Hall, booth.hall_id) if booth is not None else None
    if booth is None or hall is None or booth.state != "accepted" or hall.state != "published":
        raise NotFound("booth_not_found")
    return booth, hall
