"""Ask for the money of a purchase, and take note when it came."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from billing.bank.gateway import offered_account
from billing.bank.models import BANK_TRANSFER
from billing.credit_lines.models import ON_ACCOUNT
from billing.gateways.call import Submission
from billing.payments.queries import latest_payment
from billing.payments.start_payment import StartPayment, start_payment
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.jobs.outbox import emit
from kernel.money import Money
from marketplace.catalog import sellable
from marketplace.relations.note_customers import KnownCustomer, note_customers
from orders.amendments.amend import require_possible
from orders.checkout.locking import find_locked_purchase
from orders.checkout.models import PURCHASE, Purchase
from orders.checkout.payer_charges import PAYER_WAITS, pay_otherwise, start_by_payer
from orders.checkout.payer_models import BY_PAYER
from orders.checkout.store_method import store_method
from orders.order.events import OrderPaid, PaymentRecovered, PaymentRetried
from orders.order.locking import lock_orders
from orders.order.models import ORDER, OWED, Order, OrderLine

PAYMENT_WAITS = timedelta(hours=24)


def payment_waits(uow: UnitOfWork, gateway: str, currency: str) -> timedelta:
    """How long a purchase waits for its money: a day, or as many as the platform's account gives a bank transfer. One on account
    waits for the answer alone, and is paid by transfer later.

    Raises: Invalid `bank_transfer_unavailable`, the platform has no account in the currency.
    """
    if gateway == BY_PAYER:
        return PAYER_WAITS
    if gateway not in (BANK_TRANSFER, ON_ACCOUNT):
        return PAYMENT_WAITS
    account = offered_account(uow, currency)
    if account is None:
        raise Invalid("bank_transfer_unavailable", field="payment_method")
    return timedelta(days=account.term_days) if gateway == BANK_TRANSFER else PAYMENT_WAITS


def request_payment(
    uow: UnitOfWork, purchase: Purchase, orders: list[Order], *, leased: bool = False, payer_absent: bool = False
) -> Submission | None:
    """Start the payment of a purchase that has begun to wait for it; nothing is asked for when nothing is due.

    Returns what calls the gateway, the caller's to run where it is `leased`; what is not was asked for by no payer who is there.
    """
    if purchase.gross_minor == 0:
        mark_paid(uow, purchase, orders, None)
        return None
    return _start(uow, purchase, orders, leased=leased, payer_absent=payer_absent)


def retry_payment(
    uow: UnitOfWork, purchase: Purchase, orders: list[Order], *, leased: bool = False
) -> Submission | None:
    """Ask for the money of a purchase again, where the try before has failed for certain. Returns as `request_payment`.

    Emits: PaymentRetried. Raises: Conflict `payment_already_running`.
    """
    purchase.retried_at = clock.now()
    emit(uow, PaymentRetried(purchase_id=purchase.id, buyer_org_id=purchase.buyer_org_id))
    return _start(uow, purchase, orders, leased=leased)


def pay_again(
    uow: UnitOfWork, purchase_id: UUID, *, gateway: str, method_token: str, leased: bool = False
) -> Submission | None:
    """Try another payment method after a failed payment. Returns what calls the gateway, as `request_payment`.

    Of a subscription, what follows is paid by it, too. What its payer was asked for it no longer uses the payer's month.

    Raises: NotFound, Conflict `purchase_not_payable`, `payment_already_running` while one is under way or in doubt, and as
    `require_payable`. Emits: as `store_method`.
    """
    purchase = find_locked_purchase(uow, purchase_id)
    if purchase is None or purchase.buyer_org_id != uow.principal.organization():
        raise NotFound("not_found")
    if purchase.state != "pending_payment" or purchase.deadline_at is None or purchase.deadline_at <= clock.now():
        raise Conflict("purchase_not_payable", state=purchase.state)
    require_payable(uow, purchase)
    pay_otherwise(uow, purchase)
    purchase.gateway, purchase.method_token = gateway, method_token
    orders = lock_orders(uow, purchase.id)
    _wait_for_transfer(uow, purchase, orders)
    of_subscriptions = [order.subscription_id for order in orders if order.subscription_id is not None]
    if of_subscriptions:
        store_method(uow, of_subscriptions, gateway, method_token)
    before = latest_payment(uow, purchase.id)
    again = retry_payment if before is not None and before.state == "failed" else _start
    return again(uow, purchase, orders, leased=leased)


def _wait_for_transfer(uow: UnitOfWork, purchase: Purchase, orders: list[Order]) -> None:
    """A transfer takes its days from now on; but what a subscription goes on costing waits no longer than its own rules let it.

    Raises: as `payment_waits`.
    """
    term = payment_waits(uow, purchase.gateway, purchase.currency)
    if purchase.gateway != BANK_TRANSFER or any(order.subscription_id is not None for order in orders):
        return
    assert purchase.deadline_at is not None  # noqa: S101 - it waits for money
    purchase.deadline_at = max(purchase.deadline_at, clock.now() + term)
    for order in orders:
        order.deadline_at = purchase.deadline_at


def _start(
    uow: UnitOfWork, purchase: Purchase, orders: list[Order], *, leased: bool, payer_absent: bool = False
) -> Submission | None:
    assert purchase.deadline_at is not None  # noqa: S101 - set when the purchase began to wait for money
    if purchase.gateway == BY_PAYER:
        return start_by_payer(uow, purchase, orders, leased=leased, payer_absent=payer_absent)
    return start_payment(
        uow,
        StartPayment(
            reference=purchase.id,
            payer_org_id=purchase.buyer_org_id,
            amount=Money(purchase.gross_minor, purchase.currency),
            gateway=purchase.gateway,
            method_token=purchase.method_token,
            allocations=tuple(
                (order.id, order.seller_org_id, order.gross_minor) for order in orders if order.gross_minor
            ),
            deadline_at=purchase.deadline_at,
            description=", ".join(order.number for order in orders),
            payer_absent=payer_absent or not leased,
            leased=leased,
        ),
    )


def mark_paid(uow: UnitOfWork, purchase: Purchase, orders: list[Order], payment_id: UUID | None) -> None:
    """The money is here: purchase and orders become paid; no part of a payment is a free order's.

    Emits: OrderPaid for each; PaymentRecovered after a try that failed.
    """
    now = clock.now()
    PURCHASE.move(uow, purchase, "paid", org_ids=[purchase.buyer_org_id])
    purchase.deadline_at = None
    for order in orders:
        ORDER.move(uow, order, "paid", org_ids=order.parties)
        order.payment_id = payment_id if order.gross_minor else None
        order.paid_at, order.deadline_at = now, None
        emit(uow, OrderPaid(order_id=order.id, buyer_org_id=order.buyer_org_id, seller_org_id=order.seller_org_id))
    if purchase.retried_at is not None:
        emit(uow, PaymentRecovered(purchase_id=purchase.id, buyer_org_id=purchase.buyer_org_id))
    parties = [KnownCustomer(order.seller_org_id, order.buyer_org_id, order.buyer_name) for order in orders]
    note_customers(uow, parties, "bought", now)


def require_payable(uow: UnitOfWork, purchase: Purchase) -> None:
    """Take no money for what could not be given by now: it went off sale, or what it was to change is not as it was.

    Raises: as `require_still_sold`, and as `orders.amendments.amend.require_possible`. Locks: its orders, then what they change.
    """
    require_still_sold(uow, purchase)
    for order in lock_orders(uow, purchase.id):
        if order.subscription_id is not None and order.usage_period_id is None:
            require_possible(uow, order)


def require_still_sold(uow: UnitOfWork, purchase: Purchase, *, goes_on: bool = False) -> None:
    """Take no money for what went off sale while its purchase waited; what is given already is paid all the same.

    What goes on, as a subscription's next term or (`goes_on`) what follows a trial, is paid while its listing is paused.

    Raises as the catalog's `require_still_sold`.
    """
    lines = (
        select(OrderLine.plan_id, Order.subscription_id)
        .join(Order, Order.id == OrderLine.order_id)
        .order_by(OrderLine.id)
    )
    to_be_given = lines.where(Order.purchase_id == purchase.id, ~OWED)
    for plan_id, subscription_id in uow.session.execute(to_be_given).all():
        sellable.require_still_sold(uow, plan_id, goes_on=goes_on or subscription_id is not None)
