"""What goes on being paid by which method: subscriptions, and purchases that wait to be paid."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update

from billing.payments.events import PaymentMethodKept
from kernel.db.uow import UnitOfWork
from kernel.jobs.kinds import Payload, follows
from orders.checkout.models import Purchase
from orders.order.models import Order, OrderLine, Subscription

_TITLE, _TITLE_EN = OrderLine.plan["title"].astext, OrderLine.plan["title_en"].astext


@dataclass(frozen=True, slots=True)
class PaidByMethod:
    """A subscription that goes on being paid by a method."""

    subscription_id: UUID
    token: str
    title: str
    title_en: str | None


def paid_by(uow: UnitOfWork, gateway: str, tokens: Collection[str]) -> list[PaidByMethod]:
    """The acting organization's subscriptions that have not ended, by the methods that pay them."""
    if not tokens:
        return []
    rows = uow.session.execute(
        select(Subscription.id, Purchase.method_token, _TITLE, _TITLE_EN)
        .join(OrderLine, OrderLine.id == Subscription.order_line_id)
        .join(Order, Order.id == OrderLine.order_id)
        .join(Purchase, Purchase.id == Order.purchase_id)
        .where(
            Subscription.buyer_org_id == uow.principal.organization(),
            Subscription.state != "ended",
            Purchase.gateway == gateway,
            Purchase.method_token.in_(tokens),
        )
        .order_by(Subscription.id)
    )
    return [PaidByMethod(*row) for row in rows]


@follows(PaymentMethodKept)
def charge_kept_method(uow: UnitOfWork, fact: Payload) -> None:
    """What was bought on the gateway's own page, and the subscriptions it pays for, go on being paid by what was kept there."""
    purchase_id = UUID(fact["reference"])
    began = (
        select(Order.purchase_id)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .join(Subscription, Subscription.order_line_id == OrderLine.id)
        .where(
            Subscription.id.in_(
                select(Order.subscription_id).where(
                    Order.purchase_id == purchase_id, Order.subscription_id.is_not(None)
                )
            )
        )
    )
    wanted = update(Purchase).where(
        (Purchase.id == purchase_id) | Purchase.id.in_(began),
        Purchase.buyer_org_id == UUID(fact["payer_org_id"]),
        Purchase.gateway == fact["gateway"],
        # Another method may have been named meanwhile: that one stays.
        Purchase.method_token == fact["asked_by"],
    )
    uow.session.execute(wanted.values(method_token=fact["method_token"]))
