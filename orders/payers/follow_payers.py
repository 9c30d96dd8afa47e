"""What follows when a payer approves, and when an agreement ends."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from billing.payments.queries import latest_payment
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.jobs.kinds import Payload, follows
from kernel.states import state_in
from marketplace.payers.events import PayerEnded
from orders.checkout.decide_purchase import close_unpaid
from orders.checkout.locking import find_locked_purchase
from orders.checkout.payer_charges import pay_charge, release_charge
from orders.checkout.payer_models import PayerCharge, PayerMethod
from orders.checkout.request_payment import PAYMENT_WAITS
from orders.order.events import PayerChargeApproved
from orders.order.locking import lock_orders

ENDED = "payer_ended"
"""Why a purchase was called off: the agreement that was to pay it ended."""


@follows(PayerChargeApproved)
def pay_approved(uow: UnitOfWork, fact: Payload) -> None:
    """The payment of what was approved. Locks: the purchase, its orders, the charge. Idempotent by its payment."""
    purchase = find_locked_purchase(uow, UUID(fact["purchase_id"]))
    charge = lock_row(uow.session, PayerCharge, UUID(fact["charge_id"]))
    if purchase is None or charge is None or charge.state != "approved" or purchase.state != "pending_payment":
        return
    before = latest_payment(uow, purchase.id)
    if before is not None and before.state != "failed":
        return
    orders = lock_orders(uow, purchase.id)
    if not any(order.subscription_id is not None for order in orders):
        # The gateway has its day, however late it was approved.
        purchase.deadline_at = max(purchase.deadline_at or clock.now(), clock.now() + PAYMENT_WAITS)
        for order in orders:
            order.deadline_at = purchase.deadline_at
    pay_charge(uow, purchase, orders, charge, (fact["gateway"], fact["method_token"]))


@follows(PayerEnded)
def end_payer(uow: UnitOfWork, fact: Payload) -> None:
    """Nothing more is paid by an agreement that has ended: what waited for its payer is called off; what a subscription goes on
    costing is its buyer's own to pay. What a gateway was asked for already goes on.

    Locks: each purchase, then its orders. Idempotent by the state.
    """
    agreement_id = UUID(fact["agreement_id"])
    for method in uow.session.scalars(select(PayerMethod).where(PayerMethod.agreement_id == agreement_id)):
        uow.session.delete(method)
    waiting = (
        select(PayerCharge.purchase_id)
        .where(
            PayerCharge.org_id == UUID(fact["org_id"]),
            PayerCharge.payer_org_id == UUID(fact["payer_org_id"]),
            PayerCharge.agreement_id == agreement_id,
            state_in(PayerCharge.state, "asked", "approved"),
        )
        .order_by(PayerCharge.purchase_id)
    )
    for purchase_id in uow.session.scalars(waiting).all():
        purchase = find_locked_purchase(uow, purchase_id)
        if purchase is None or purchase.state != "pending_payment":
            continue
        before = latest_payment(uow, purchase_id)
        if before is not None and before.state != "failed":
            continue
        if any(order.subscription_id is not None for order in lock_orders(uow, purchase_id)):
            release_charge(uow, purchase, ENDED)
        else:
            close_unpaid(uow, purchase, "cancelled", reason=ENDED)
