"""What a seller knows of one of its customers: what it bought, what it may use, and what it asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from fulfillment.entitlements.queries import entitlements_of_customer
from fulfillment.entitlements.views import EntitlementRow
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from marketplace.leads.queries import SellerLeadView, list_seller_leads
from orders.order.views import OrderView
from orders.queries import list_seller_orders
from orders.subscriptions.trial_queries import RunningTrial, running_trials

MOST = 20
"""Of each the latest; the lists of orders and of requests hold them all."""


@dataclass(frozen=True, slots=True)
class CustomerView:
    """An organization that bought from the acting seller or asked it. A contact stands in a request alone, with its consent."""

    org_id: UUID
    name: str
    """As it was called in its latest order, else in its latest request."""
    orders: Sequence[OrderView]
    entitlements: Sequence[EntitlementRow]
    leads: Sequence[SellerLeadView]
    """Empty for whoever may not take care of them."""
    trials: Sequence[RunningTrial] = ()
    """What of the entitlements is tried for nothing so far."""


def get_customer(uow: UnitOfWork, org_id: UUID) -> CustomerView:
    """A customer of the acting seller. Raises NotFound(`customer_not_found`): neither bought nor asked, as far as one may see."""
    orders = list_seller_orders(uow, limit=MOST, buyer_id=org_id).items
    may_see = uow.principal.may("leads.manage")
    leads = list_seller_leads(uow, limit=MOST, buyer_id=org_id).items if may_see else []
    names = [*(one.buyer_name for one in orders), *(one.lead.buyer_name for one in leads)]
    if not names:
        raise NotFound("customer_not_found")
    entitlements = entitlements_of_customer(uow, org_id, limit=MOST)
    trials = running_trials(uow, org_id) if any(one.is_trial for one in entitlements) else []
    return CustomerView(org_id, names[0], orders, entitlements, leads, trials)
