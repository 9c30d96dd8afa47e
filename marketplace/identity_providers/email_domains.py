"""Domains that organizations claim. A record of the domain proves it (`prove_domain.py`), or the platform's people look at it,
before a provider's word on its addresses counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.states import state_in
from marketplace.access.counted_limits import Limit, count_within
from marketplace.identity_providers.models import EMAIL_DOMAIN, EmailDomain
from marketplace.identity_providers.set_provider import require_owner
from marketplace.parties.models import Organization

REVIEW = "operator.reviews"
A_DAY = Limit(20, timedelta(days=1))
_DOMAIN = re.compile(r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
PUBLIC_MAIL = frozenset(
    "126.com 139.com 163.com aliyun.com fastmail.com foxmail.com gmail.com gmx.com googlemail.com hotmail.com icloud.com"
    " live.com mail.com me.com msn.com outlook.com proton.me protonmail.com qq.com sina.com sohu.com yahoo.com yandex.com"
    " yeah.net".split()
)
"""Where everybody may have a mailbox: no organization's own."""


@dataclass(frozen=True, slots=True)
class DomainView:
    """A domain and what became of its claim."""

    id: UUID
    org_id: UUID
    organization: str
    domain: str
    state: str
    created_at: datetime

    @property
    def record_name(self) -> str:
        """Where its owner publishes the text record that proves the claim."""
        return f"_market-verification.{self.domain}"

    @property
    def record_value(self) -> str:
        """The record: of this claim alone, so that it proves nobody else's."""
        return f"market-verification={self.id}"


def claim_domain(uow: UnitOfWork, domain: str) -> DomainView:
    """Say that a domain is the acting organization's own; the platform looks at it.

    Raises: Forbidden `owner_required`; Invalid `domain_invalid`; Conflict `domain_exists`; TooMany `domains_too_often`.
    Locks: the organization.
    """
    organization = require_owner(uow)
    name = domain.strip().lower().removeprefix("@").rstrip(".")
    if not _DOMAIN.fullmatch(name) or name in PUBLIC_MAIL:
        raise Invalid("domain_invalid", field="domain")
    with as_platform(uow):
        count_within(uow, A_DAY, "domains_too_often", "domains_of", str(organization.id))
    row = EmailDomain(id=uuid7(), org_id=organization.id, domain=name, created_at=clock.now())
    EMAIL_DOMAIN.begin(uow, row, org_ids=[organization.id])
    uow.session.add(row)
    audit.record(uow, "email_domain.claimed", subject_id=row.id, domain=name)
    uow.flush()
    return to_domain_view(row, organization.display_name)


def remove_domain(uow: UnitOfWork, domain_id: UUID) -> None:
    """Take a claim back; a provider's word on its addresses counts no more. Removed already, nothing changes.

    Raises: Forbidden `owner_required`; NotFound; Conflict `domain_needed`: the last approved one, while the provider is
    required. Locks: the organization, then the domain.
    """
    organization = require_owner(uow)
    row = lock_row(uow.session, EmailDomain, domain_id)
    if row is None or row.org_id != organization.id or row.state == "refused":
        raise NotFound("not_found")
    others = select(EmailDomain.id).where(
        EmailDomain.org_id == organization.id, EmailDomain.state == "approved", EmailDomain.id != row.id
    )
    if row.state == "approved" and organization.requires_provider and uow.session.scalar(others.limit(1)) is None:
        raise Conflict("domain_needed")
    if EMAIL_DOMAIN.move(uow, row, "removed", org_ids=[row.org_id]):
        audit.record(uow, "email_domain.removed", subject_id=row.id, domain=row.domain)
    uow.flush()


def list_domains(uow: UnitOfWork) -> list[DomainView]:
    """The acting organization's domains but those it took back."""
    statement = (
        select(EmailDomain, Organization.display_name)
        .join(Organization, Organization.id == EmailDomain.org_id)
        .where(EmailDomain.org_id == uow.principal.organization(), EmailDomain.state != "removed")
        .order_by(EmailDomain.domain, EmailDomain.id)
    )
    return [to_domain_view(row, name) for row, name in uow.session.execute(statement)]


def waiting_domains(uow: UnitOfWork) -> list[DomainView]:
    """For the platform: what waits for its word, the oldest first. Raises Forbidden without `operator.reviews`."""
    uow.principal.require(REVIEW)
    statement = (
        select(EmailDomain, Organization.legal_name)
        .join(Organization, Organization.id == EmailDomain.org_id)
        .where(EmailDomain.state == "pending")
        .order_by(EmailDomain.created_at, EmailDomain.id)
        .limit(200)
    )
    return [to_domain_view(row, name) for row, name in uow.session.execute(statement)]


def count_waiting_domains(uow: UnitOfWork) -> tuple[int, datetime | None]:
    """How many claims wait, and since when the oldest does. Raises Forbidden without `operator.reviews`."""
    uow.principal.require(REVIEW)
    count, oldest = uow.session.execute(
        select(func.count(), func.min(EmailDomain.created_at)).where(state_in(EmailDomain.state, "pending"))
    ).one()
    return count, oldest


def decide_domain(uow: UnitOfWork, domain_id: UUID, *, approve: bool) -> DomainView:
    """The platform's word on a claim, having seen that the domain is that organization's.

    Raises: Forbidden without `operator.reviews`; NotFound; Conflict `domain_taken` (approved for another organization),
    `invalid_transition`. Locks: the domain.
    """
    uow.principal.require(REVIEW)
    row = lock_row(uow.session, EmailDomain, domain_id)
    if row is None:
        raise NotFound("not_found")
    if row.state == "pending":
        row.decided_by, row.decided_at = uow.principal.person_id, clock.now()
    if EMAIL_DOMAIN.move(uow, row, "approved" if approve else "refused", org_ids=[row.org_id]):
        audit.record(uow, "email_domain.decided", subject_id=row.id, domain=row.domain, approved=approve)
    uow.flush()
    return to_domain_view(row, uow.session.get_one(Organization, row.org_id).legal_name)


def to_domain_view(row: EmailDomain, organization: str) -> DomainView:
    """A claim as it is shown."""
    return DomainView(row.id, row.org_id, organization, row.domain, row.state, row.created_at)
