"""A person founds a circle, says what it is, and gives it another link."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from kernel import audit, clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.ids import uuid7
from marketplace.access.counted_limits import Limit, count_within
from marketplace.access.models import MEMBER, Member, Person
from marketplace.circles.access import beyond_own, owner_of
from marketplace.circles.models import (
    CIRCLE_MEMBER,
    JOININGS,
    KINDS,
    MODERATIONS,
    VISIBILITIES,
    Circle,
    CircleMember,
)
from marketplace.input_text import line, paragraphs
from marketplace.parties.models import ORGANIZATION, Organization
from marketplace.parties.require_company import require_company

MAX_NAME, MAX_ABOUT = 60, 1_000
FOUNDED = Limit(5, timedelta(days=30))
"""Of one person: enough for whoever runs several, too few to fill the list."""


@dataclass(frozen=True, slots=True)
class SaveCircle:
    """What a circle is. Its kind is said once, when it is founded."""

    name: str
    kind: str = "community"
    about: str = ""
    visibility: str = "closed"
    joining: str = "approval"
    moderation: str = "after"


def found_circle(uow: UnitOfWork, command: SaveCircle) -> Circle:
    """Found a circle and be its owner. Its organization has no tax identifier, no seller's desk and no invoice title.

    Raises:
        Forbidden: `person_required`, `organization_required`. Conflict: `circle_is_no_company`: a circle founds none.
        Invalid: `text_required`, `text_too_long`, `circle_setting_invalid`. TooMany: `circles_too_often`.
    """
    person_id, own_id = uow.principal.person(), uow.principal.organization()
    require_company(uow)
    name, said = line("name", command.name, MAX_NAME), _said(command)
    if command.kind not in KINDS:
        raise Invalid("circle_setting_invalid", field="kind")
    is_internal = command.kind == "internal"
    if is_internal:
        said["visibility"] = "closed"
    with beyond_own(uow):
        count_within(uow, FOUNDED, "circles_too_often", "circles", str(person_id))
        founder, own = uow.session.get_one(Person, person_id), uow.session.get_one(Organization, own_id)
        organization = _organization(uow, name, own)
        member = Member(
            id=uuid7(), org_id=organization.id, person_id=person_id, roles=["owner"], created_at=clock.now()
        )
        MEMBER.begin(uow, member, org_ids=[organization.id])
        uow.session.add(member)
        circle = Circle(
            org_id=organization.id,
            kind=command.kind,
            code=secrets.token_urlsafe(12),
            company_org_id=own_id if is_internal else None,
            founded_by=person_id,
            created_at=clock.now(),
            **said,
        )
        uow.session.add(circle)
        uow.flush()
        first = CircleMember(
            id=uuid7(),
            org_id=organization.id,
            person_id=person_id,
            member_org_id=own_id,
            person_name=founder.name,
            org_name=own.display_name,
            role="owner",
            listed_at=None,
            created_at=clock.now(),
            joined_at=clock.now(),
        )
        CIRCLE_MEMBER.begin(uow, first, "active", org_ids=first.parties)
        uow.session.add(first)
        uow.flush()
    audit.record(uow, "circle.founded", subject_id=circle.org_id)
    return circle


def save_circle(uow: UnitOfWork, circle_id: UUID, command: SaveCircle) -> Circle:
    """Say otherwise what it is, but for its kind.

    Raises: as `owner_of`; Invalid `text_required`, `text_too_long`, `circle_setting_invalid`. Locks: the circle.
    """
    owner_of(uow, circle_id)
    name, said = line("name", command.name, MAX_NAME), _said(command)
    with beyond_own(uow):
        circle = locked_circle(uow, circle_id)
        if circle.kind == "internal":
            said["visibility"] = "closed"
        for field, value in said.items():
            setattr(circle, field, value)
        organization = uow.session.get_one(Organization, circle_id)
        organization.legal_name = organization.display_name = name
        uow.flush()
    return circle


def renew_link(uow: UnitOfWork, circle_id: UUID) -> Circle:
    """Give it another link: the old one opens nothing any more. Raises: as `owner_of`. Locks: the circle."""
    owner_of(uow, circle_id)
    with beyond_own(uow):
        circle = locked_circle(uow, circle_id)
        circle.code = secrets.token_urlsafe(12)
        uow.flush()
    audit.record(uow, "circle.link_renewed", subject_id=circle_id)
    return circle


def locked_circle(uow: UnitOfWork, circle_id: UUID) -> Circle:
    """Read as the platform. Raises NotFound `circle_not_found`. Locks: the circle."""
    circle = uow.session.get(Circle, circle_id, with_for_update=True, populate_existing=True)
    if circle is None:
        raise NotFound("circle_not_found")
    return circle


def _said(command: SaveCircle) -> dict[str, Any]:
    for field, known in (("visibility", VISIBILITIES), ("joining", JOININGS), ("moderation", MODERATIONS)):
        if getattr(command, field) not in known:
            raise Invalid("circle_setting_invalid", field=field)
    return {
        "about": paragraphs("about", command.about, MAX_ABOUT),
        "visibility": command.visibility,
        "joining": command.joining,
        "moderation": command.moderation,
    }


def _organization(uow: UnitOfWork, name: str, own: Organization) -> Organization:
    """The circle's own, where its founder's is."""
    made = Organization(
        id=uuid7(),
        legal_name=name,
        display_name=name,
        kind="circle",
        country=own.country,
        tax_id=None,
        locale=own.locale,
        time_zone=own.time_zone,
        industry=None,
        is_seller=False,
        is_platform=False,
        created_at=clock.now(),
    )
    ORGANIZATION.begin(uow, made, org_ids=[made.id])
    uow.session.add(made)
    uow.flush()
    return made
