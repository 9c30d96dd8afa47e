"""An organization brings its suppliers and dealers by a link of its own; whoever registers by it is attributed to it, once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.dialects.postgresql import insert

from kernel import audit, clock
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from marketplace.access.models import Member
from marketplace.parties.models import Organization
from marketplace.referrals.events import OrganizationReferred
from marketplace.referrals.models import Referral, ReferralLink

PERMISSION: Final = "orders.buy"
"""Whoever buys knows the suppliers, and decides whose partner the organization is."""


@dataclass(frozen=True, slots=True)
class Referrer:
    """Whose link it is, as whoever opens it is told."""

    org_id: UUID
    name: str


def own_referral_link(uow: UnitOfWork) -> str:
    """The code of the acting organization's link, made when it is first asked for; the same one every time.

    Raises: Forbidden `permission_missing` without orders.buy, `person_required`.
    """
    uow.principal.require(PERMISSION)
    org_id, person_id = uow.principal.organization(), uow.principal.person()
    made = {"id": uuid7(), "org_id": org_id, "code": secrets.token_urlsafe(12), "made_by": person_id}
    added = uow.session.scalar(
        insert(ReferralLink)
        .values(**made, created_at=clock.now())
        .on_conflict_do_nothing(index_elements=["org_id"])
        .returning(ReferralLink.id)
    )
    if added is not None:
        audit.record(uow, "referral.link_made", subject_id=added)
    return uow.session.scalars(select(ReferralLink.code).where(ReferralLink.org_id == org_id)).one()


def find_own_referral_link(uow: UnitOfWork) -> str | None:
    """The code of the acting organization's link, where it has one. Raises Forbidden `permission_missing` without orders.buy."""
    uow.principal.require(PERMISSION)
    return uow.session.scalar(select(ReferralLink.code).where(ReferralLink.org_id == uow.principal.organization()))


def get_referrer(uow: UnitOfWork, code: str) -> Referrer:
    """Whose link it is, for whoever has it. Raises NotFound `referral_link_not_found`."""
    with as_platform(uow):
        row = uow.session.execute(
            select(Organization.id, Organization.display_name)
            .join(ReferralLink, ReferralLink.org_id == Organization.id)
            .where(ReferralLink.code == code, Organization.state == "active")
        ).first()
    if row is None:
        raise NotFound("referral_link_not_found")
    return Referrer(row.id, row.display_name)


def attribute_referral(uow: UnitOfWork, org_id: UUID, person_id: UUID, code: str) -> UUID | None:
    """An organization has just been registered by somebody who followed a link: say whose, unless nobody brought it.

    The unit of work is the platform's own. Nothing is attributed, and nothing refused, by a code that is none, to an organization
    that is the referrer's own (the person is a member of it, or both have one tax identifier), or whose identifier somebody had
    here before. Attributed already, it stays as it is: whoever comes second has not brought it.

    Emits: OrganizationReferred. Idempotent by: the referred organization.
    """
    link = uow.session.execute(
        select(ReferralLink.id, ReferralLink.org_id)
        .join(Organization, Organization.id == ReferralLink.org_id)
        .where(ReferralLink.code == code, Organization.state == "active")
    ).first()
    if link is None or link.org_id == org_id or _known(uow, org_id, person_id, link.org_id):
        return None
    referred = uow.session.get_one(Organization, org_id)
    made = uow.session.scalar(
        insert(Referral)
        .values(
            id=uuid7(),
            referrer_org_id=link.org_id,
            referred_org_id=org_id,
            link_id=link.id,
            referred_name=referred.display_name,
            created_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["referred_org_id"])
        .returning(Referral.id)
    )
    if made is not None:
        emit(uow, OrganizationReferred(referral_id=made, referrer_org_id=link.org_id))
    return made


def _known(uow: UnitOfWork, org_id: UUID, person_id: UUID, referrer_id: UUID) -> bool:
    """Whether the organization is the referrer's own, or one that was here before under the same tax identifier."""
    referred = uow.session.get_one(Organization, org_id)
    same = and_(
        Organization.id != org_id,
        Organization.country == referred.country,
        Organization.tax_id.is_not(None),
        Organization.tax_id == referred.tax_id,
    )
    own = select(Member.id).where(Member.org_id == referrer_id, Member.person_id == person_id, Member.state == "active")
    return bool(uow.session.scalar(select(or_(select(Organization.id).where(same).exists(), own.exists()))))
