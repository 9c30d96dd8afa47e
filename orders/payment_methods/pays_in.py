"""In which currency an organization pays: a gateway offers only methods that can."""

from __future__ import annotations

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.parties.models import Organization
from orders.checkout.models import Purchase


def pays_in(uow: UnitOfWork) -> str:
    """That of the acting organization's newest purchase; before the first, the yuan in China and the dollar elsewhere."""
    org_id = uow.principal.organization()
    newest = select(Purchase.currency).where(Purchase.buyer_org_id == org_id).order_by(Purchase.created_at.desc())
    found = uow.session.scalar(newest.limit(1))
    if found is not None:
        return found.strip()
    country = uow.session.scalar(select(Organization.country).where(Organization.id == org_id))
    return "CNY" if country == "CN" else "USD"
