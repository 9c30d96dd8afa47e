"""Whom an organization brought, and whether these have bought or sold by now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.paging import Page, cut, newest_first
from marketplace.referrals.models import Referral
from marketplace.referrals.refer import PERMISSION
from orders.order.models import Order


@dataclass(frozen=True, slots=True)
class ReferralRow:
    """An organization that registered by the link. What it bought or sold is its own business: its first days alone are told."""

    id: UUID
    name: str
    registered_at: datetime
    first_bought_at: datetime | None
    first_sold_at: datetime | None

    @property
    def state(self) -> str:
        """`registered`, `bought` or `sold`; of both, `sold`."""
        return "sold" if self.first_sold_at else "bought" if self.first_bought_at else "registered"


def list_referrals(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[ReferralRow]:
    """Of the acting organization, the newest first. Raises Forbidden `permission_missing` without orders.buy."""
    uow.principal.require(PERMISSION)
    own = select(Referral).where(Referral.referrer_org_id == uow.principal.organization())
    rows = uow.session.scalars(newest_first(own, Referral.created_at, Referral.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    ids = [row.referred_org_id for row in page.items]
    bought, sold = _first_paid(uow, ids, sells=False), _first_paid(uow, ids, sells=True)
    items = [
        ReferralRow(
            row.id,
            row.referred_name,
            row.created_at,
            bought.get(row.referred_org_id),
            sold.get(row.referred_org_id),
        )
        for row in page.items
    ]
    return Page(items, page.next_cursor)


def _first_paid(uow: UnitOfWork, org_ids: list[UUID], *, sells: bool) -> dict[UUID, datetime]:
    """When each of these first paid for an order, or was paid for one."""
    if not org_ids:
        return {}
    side = Order.seller_org_id if sells else Order.buyer_org_id
    # Orders are their two sides' to read; of these the day of the first one is told.
    with as_platform(uow):
        found = uow.session.execute(
            select(side, func.min(Order.paid_at)).where(side.in_(org_ids), Order.paid_at.is_not(None)).group_by(side)
        )
        return {org_id: at for org_id, at in found if at is not None}
