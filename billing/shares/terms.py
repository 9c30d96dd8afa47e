"""Which share terms apply to a sale made now."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, select

from billing.shares.models import SharePolicy
from billing.shares.split import ShareTerms
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound

_IN_FORCE = Read(
    select(SharePolicy)
    .where(SharePolicy.category == bindparam("category"), SharePolicy.effective_at <= bindparam("at"))
    .order_by(SharePolicy.effective_at.desc(), SharePolicy.version.desc())
    .limit(1)
)


def ask_terms(uow: UnitOfWork, category: str, on: datetime) -> None:
    """Ask ahead for `terms_for`."""
    uow.ask_ahead(_IN_FORCE, category=category, at=on)


def terms_for(uow: UnitOfWork, category: str, promoter_org_id: UUID | None, on: datetime) -> ShareTerms:
    """The published terms in force at `on` for a listing of `category`; without a promoter nothing goes to one.

    Raises:
        NotFound: `share_policy_missing`, no published version covers the category at that time.
    """
    policy: SharePolicy | None = uow.find(_IN_FORCE, category=category, at=on)
    if policy is None:
        raise NotFound("share_policy_missing", category=category)
    promoter_ppm = policy.promoter_ppm if promoter_org_id is not None else 0
    return ShareTerms(policy.version, policy.commission_ppm, promoter_ppm, policy.hold_days)
