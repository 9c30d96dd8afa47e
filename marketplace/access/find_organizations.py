"""Another organization is found by whoever knows its name or its tax identifier, to be let in or offered something."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, or_, select

from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.states import state_in
from marketplace.access.counted_limits import Limit, count_within
from marketplace.parties.models import Organization

LOOKUPS = Limit(120, timedelta(hours=1))
"""Of one organization, found or not: enough for a list of partners, too few to try out identifiers or read the register."""
MOST_FOUND = 10
SHORTEST = 2


@dataclass(frozen=True, slots=True)
class FoundOrganization:
    """What somebody may know of an organization that they named: no identifier is told, not even the one that was asked with."""

    id: UUID
    legal_name: str
    display_name: str
    country: str


def find_organizations(uow: UnitOfWork, asked: str) -> tuple[FoundOrganization, ...]:
    """Organizations whose identity the platform saw, by the beginning of the legal name or the whole tax identifier; at most
    ten, by name, never the acting one. A name or an identifier that nobody has is an empty answer.

    Commit it whatever comes of the answer: it counts.

    Raises: Invalid `text_too_short`; TooMany `lookups_too_often`.
    """
    own_id = uow.principal.organization()
    said = " ".join(unicodedata.normalize("NFKC", asked).split())
    if len(said) < SHORTEST:
        raise Invalid("text_too_short", field="q", least=SHORTEST)
    identifier = Organization.tax_id == said.upper().replace(" ", "")
    with as_platform(uow):
        count_within(uow, LOOKUPS, "lookups_too_often", "lookups_of", str(own_id))
        found = uow.session.scalars(
            select(Organization)
            .where(
                or_(identifier, Organization.legal_name.istartswith(said, autoescape=True)),
                *_findable(own_id),
            )
            # The whole name before those that go on.
            .order_by(
                case((func.lower(Organization.legal_name) == said.lower(), 0), else_=1),
                Organization.legal_name,
                Organization.id,
            )
            .limit(MOST_FOUND)
        ).all()
        return tuple(_found(one) for one in found)


def find_by_tax_id(uow: UnitOfWork, tax_id: str) -> FoundOrganization | None:
    """The one that has this tax identifier, if the platform saw it. It counts as `find_organizations` does.

    Raises: TooMany `lookups_too_often`.
    """
    own_id = uow.principal.organization()
    with as_platform(uow):
        count_within(uow, LOOKUPS, "lookups_too_often", "lookups_of", str(own_id))
        found = uow.session.scalars(
            select(Organization).where(Organization.tax_id == tax_id, *_findable(own_id)).order_by(Organization.id)
        ).all()
        return _found(found[0]) if len(found) == 1 else None


def get_findable(uow: UnitOfWork, org_id: UUID) -> FoundOrganization:
    """One that `find_organizations` may have found. Raises NotFound(`organization_not_found`)."""
    own_id = uow.principal.organization()
    with as_platform(uow):
        found = uow.session.scalars(select(Organization).where(Organization.id == org_id, *_findable(own_id))).first()
        if found is None:
            raise NotFound("organization_not_found")
        return _found(found)


def _findable(own_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return (
        Organization.tax_id_verified_at.is_not(None),
        Organization.id != own_id,
        ~Organization.is_platform,
        state_in(Organization.state, "active"),
    )


def _found(row: Organization) -> FoundOrganization:
    return FoundOrganization(row.id, row.legal_name, row.display_name, row.country.strip())


def find_named(uow: UnitOfWork, asked: str) -> tuple[FoundOrganization, ...]:
    """As `find_organizations`; the one alone whose whole legal name was said. Several are left for a person to choose from."""
    found = find_organizations(uow, asked)
    said = " ".join(unicodedata.normalize("NFKC", asked).split()).lower()
    whole = tuple(one for one in found if one.legal_name.lower() == said)
    return whole if len(whole) == 1 else found
