"""A claim to a domain is proved by a text record that only the domain's owner can publish."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from marketplace.access.counted_limits import Limit, count_within
from marketplace.identity_providers.email_domains import DomainView, to_domain_view
from marketplace.identity_providers.models import EMAIL_DOMAIN, EmailDomain
from marketplace.identity_providers.set_provider import require_owner

CHECKS = Limit(60, timedelta(hours=1))
"""Of one organization: each asks name servers of others."""


def begin_check(uow: UnitOfWork, domain_id: UUID) -> DomainView:
    """The claim whose record is looked for now. Nothing is changed but the count.

    Raises: Forbidden `owner_required`; NotFound; TooMany `domain_checks_too_often`.
    """
    organization = require_owner(uow)
    row = uow.session.get(EmailDomain, domain_id)
    if row is None or row.org_id != organization.id or row.state == "removed":
        raise NotFound("not_found")
    with as_platform(uow):
        count_within(uow, CHECKS, "domain_checks_too_often", "domain_checks_of", str(organization.id))
    return to_domain_view(row, organization.display_name)


def prove_domain(uow: UnitOfWork, domain_id: UUID, published: frozenset[str]) -> DomainView:
    """Approve a claim whose record was found among what is `published`. Approved already, nothing changes.

    Raises: Forbidden `owner_required`; NotFound; Conflict `domain_record_missing`, `domain_taken` (approved for another
    organization), `invalid_transition` (refused by the platform, whose word stands).
    Locks: the organization, then the domain.
    """
    organization = require_owner(uow)
    row = lock_row(uow.session, EmailDomain, domain_id)
    if row is None or row.org_id != organization.id or row.state == "removed":
        raise NotFound("not_found")
    view = to_domain_view(row, organization.display_name)
    if row.state != "approved":
        if view.record_value not in {one.strip() for one in published}:
            raise Conflict("domain_record_missing", name=view.record_name)
        if row.state == "pending":
            row.decided_at = clock.now()
        if EMAIL_DOMAIN.move(uow, row, "approved", org_ids=[row.org_id]):
            audit.record(uow, "email_domain.proved", subject_id=row.id, domain=row.domain)
    uow.flush()
    return to_domain_view(row, organization.display_name)
