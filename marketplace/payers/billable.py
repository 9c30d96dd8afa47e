"""Whether an organization can be billed itself, or only through whoever pays for it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import exists, select

from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from marketplace.parties.models import BillingProfile


def may_be_billed(uow: UnitOfWork, org_id: UUID) -> bool:
    """Whether an invoice can name it: it has a billing profile in use. A community that is no company has none."""
    with as_platform(uow):
        own = exists().where(BillingProfile.org_id == org_id, BillingProfile.retired_at.is_(None))
        return bool(uow.session.scalar(select(own)))


def require_billable(uow: UnitOfWork, org_id: UUID) -> None:
    """Raises Conflict(`payer_needed`): somebody has to agree to pay for it first."""
    if not may_be_billed(uow, org_id):
        raise Conflict("payer_needed")
