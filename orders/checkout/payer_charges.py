"""A purchase is paid by the buyer's payer: its agreement's month is used, and the payer's people or its method pay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import BigInteger, cast, func, select

from billing.gateways.call import Submission
from billing.payments.queries import latest_payment
from billing.payments.start_payment import StartPayment, start_payment
from billing.refunds.models import Refund
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, DomainError
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.money import Money
from kernel.states import state_in
from marketplace.parties.lookups import InvoiceTitle, find_default_billing_profile, get_party
from marketplace.payers.billable import require_billable
from marketplace.payers.models import PAYER, PayerAgreement
from marketplace.payers.queries import active_payer
from orders.checkout.models import Purchase
from orders.checkout.payer_models import BY_PAYER, PAYER_CHARGE, PayerCharge, PayerMethod
from orders.customer_list import GIVEN_BACK
from orders.order.events import PayerChargeAsked, PayerChargeRefused
from orders.order.models import Order

PAYER_WAITS = timedelta(days=7)
"""How long a purchase waits for its payer's people."""
USING = ("asked", "approved")
"""States of a charge that uses its month's limit."""


@dataclass(frozen=True, slots=True)
class PayerMonth:
    """What a month of an agreement has used, after what was given back; `left_minor` None: there is no limit."""

    month: date
    used_minor: int
    limit_minor: int | None

    @property
    def left_minor(self) -> int | None:
        """What may still be ordered."""
        return None if self.limit_minor is None else max(0, self.limit_minor - self.used_minor)


def payer_title(uow: UnitOfWork, agreement_id: str) -> InvoiceTitle | None:
    """The title that invoices of a purchase by this agreement bear; None: the buyer's own.

    Raises: Conflict `payer_agreement_over`; `payer_without_title`, the payer has no billing profile.
    """
    payer = active_payer(uow, uow.principal.organization())
    if payer is None or str(payer.agreement_id) != agreement_id:
        raise Conflict("payer_agreement_over")
    if payer.invoice_to != PAYER:
        return None
    with as_platform(uow):
        title = find_default_billing_profile(uow, payer.payer_org_id)
    if title is None:
        raise Conflict("payer_without_title", payer=payer.payer_name)
    return title


def is_invoiced(uow: UnitOfWork, first: Purchase, org_id: UUID) -> bool:
    """Whether what follows a purchase is paid by this organization, and invoiced to it."""
    payer = active_payer(uow, first.buyer_org_id) if first.gateway == BY_PAYER else None
    return payer is not None and (payer.payer_org_id, payer.invoice_to) == (org_id, PAYER)


def start_by_payer(
    uow: UnitOfWork, purchase: Purchase, orders: Sequence[Order], *, leased: bool, payer_absent: bool
) -> Submission | None:
    """Use the month's limit for a purchase that waits for its money. Below the limit of a purchase the payer's standing method
    pays at once; else its people are asked, and nothing is charged until they approve.

    What is asked for by the clock and does not fit is left to its buyer to pay, who is told.

    Raises: Conflict as `_reserve`, of somebody who is there. Emits: PayerChargeAsked, PayerChargeRefused.
    Locks: the agreement.
    """
    charge = find_standing(uow, purchase.id)
    if charge is not None:
        _again(uow, purchase, charge)
        return None
    try:
        charge, agreement = _reserve(uow, purchase)
    except DomainError as refused:
        if not uow.principal.is_platform:
            raise
        emit(uow, PayerChargeRefused(purchase_id=purchase.id, buyer_org_id=purchase.buyer_org_id, code=refused.code))
        return None
    method = _standing_method(uow, agreement)
    limit = agreement.order_limit_minor
    if method is None or (limit is not None and charge.amount_minor > limit):
        PAYER_CHARGE.begin(uow, charge, "asked", org_ids=charge.parties)
        uow.add(charge)
        _ask(uow, purchase, orders, charge)
        return None
    charge.decided_at = clock.now()
    PAYER_CHARGE.begin(uow, charge, "approved", org_ids=charge.parties)
    uow.add(charge)
    way = (method.gateway, method.method_token)
    return pay_charge(uow, purchase, orders, charge, way, leased=leased, payer_absent=payer_absent or not leased)


def pay_charge(
    uow: UnitOfWork,
    purchase: Purchase,
    orders: Sequence[Order],
    charge: PayerCharge,
    way: tuple[str, str],
    *,
    leased: bool = False,
    payer_absent: bool = True,
) -> Submission:
    """Start the payment of an approved charge by the payer's own method (`way`: gateway and token).

    It is the buyer's payment in every book: what is refunded goes back to this payment, so to the payer's method.

    Raises: as `start_payment`.
    """
    assert purchase.deadline_at is not None  # noqa: S101 - it waits for money
    return start_payment(
        uow,
        StartPayment(
            reference=purchase.id,
            payer_org_id=purchase.buyer_org_id,
            method_org_id=charge.payer_org_id,
            amount=Money(purchase.gross_minor, purchase.currency),
            gateway=way[0],
            method_token=way[1],
            allocations=tuple(
                (order.id, order.seller_org_id, order.gross_minor) for order in orders if order.gross_minor
            ),
            deadline_at=purchase.deadline_at,
            description=", ".join(order.number for order in orders),
            payer_absent=payer_absent,
            leased=leased,
        ),
    )


def pay_otherwise(uow: UnitOfWork, purchase: Purchase) -> None:
    """A purchase that waits for its payer, or was left to its buyer, is paid by the buyer itself from now on; of one that is
    paid, what follows it.

    Raises: Conflict `payer_needed`, of a buyer that no invoice can name.
    """
    if purchase.gateway == BY_PAYER:
        require_billable(uow, purchase.buyer_org_id)
        # What the payer has paid stays its charge.
        if purchase.state != "paid":
            release_charge(uow, purchase, "paid_otherwise")


def release_charge(uow: UnitOfWork, purchase: Purchase, reason: str | None) -> None:
    """What the purchase used of its month is free again: it came to nothing, or is paid by its buyer."""
    if purchase.gateway != BY_PAYER:
        return
    charge = find_standing(uow, purchase.id)
    if charge is not None:
        PAYER_CHARGE.move(uow, charge, "released", org_ids=charge.parties, reason=reason)
        uow.flush()


def find_standing(uow: UnitOfWork, purchase_id: UUID) -> PayerCharge | None:
    """The charge of a purchase that uses its month's limit. Called under the purchase's lock."""
    uow.flush()
    statement = select(PayerCharge).where(PayerCharge.purchase_id == purchase_id, state_in(PayerCharge.state, *USING))
    return uow.session.scalars(statement).first()


def payer_month(uow: UnitOfWork, agreement: PayerAgreement, time_zone: str) -> PayerMonth:
    """What the present month of the payer's calendar has used; the caller may see both sides' rows."""
    month = clock.today(time_zone).replace(day=1)
    return PayerMonth(month, used_of_month(uow, agreement.id, month), agreement.monthly_limit_minor)


def used_of_month(uow: UnitOfWork, agreement_id: UUID, month: date) -> int:
    """The charges that stand, less what was refunded of their orders, in minor units."""
    uow.flush()
    mine = (
        PayerCharge.agreement_id == agreement_id,
        PayerCharge.month == month,
        state_in(PayerCharge.state, *USING),
    )
    charged = select(func.coalesce(func.sum(PayerCharge.amount_minor), 0)).where(*mine)
    back = (
        select(func.coalesce(func.sum(Refund.amount_minor), 0))
        .join(Order, (Order.buyer_org_id == Refund.buyer_org_id) & (Order.id == Refund.reference))
        .join(PayerCharge, PayerCharge.purchase_id == Order.purchase_id)
        .where(*mine, state_in(Refund.state, *GIVEN_BACK))
    )
    used = charged.scalar_subquery() - back.scalar_subquery()
    found: int = uow.session.scalars(select(cast(used, BigInteger))).one()
    return found


def _reserve(uow: UnitOfWork, purchase: Purchase) -> tuple[PayerCharge, PayerAgreement]:
    """The charge of the purchase, not written yet. Of purchases at once each is measured with those before in it.

    Raises: Conflict `payer_agreement_over`, `payer_currency`, `payer_month_limit`.
    """
    # Whoever acts is a side of it, or the platform. Nothing is refused while the platform looks for somebody else.
    agreement = lock_row(uow.session, PayerAgreement, UUID(purchase.method_token))
    if agreement is None or agreement.state != "active" or agreement.org_id != purchase.buyer_org_id:
        raise Conflict("payer_agreement_over")
    currency = agreement.currency.strip()
    if currency != purchase.currency.strip():
        raise Conflict("payer_currency", currency=currency)
    with as_platform(uow):
        found = payer_month(uow, agreement, get_party(uow, agreement.payer_org_id).time_zone)
    if found.left_minor is not None and purchase.gross_minor > found.left_minor:
        left = Money(found.left_minor, currency)
        raise Conflict("payer_month_limit", left=left.amount_minor, currency=currency)
    charge = PayerCharge(
        id=uuid7(),
        org_id=purchase.buyer_org_id,
        payer_org_id=agreement.payer_org_id,
        agreement_id=agreement.id,
        purchase_id=purchase.id,
        currency=currency,
        amount_minor=purchase.gross_minor,
        month=found.month,
        used_minor=found.used_minor,
        limit_minor=found.limit_minor,
        decided_by=None,
        decided_at=None,
        decline_reason=None,
        created_at=clock.now(),
    )
    return charge, agreement


def _standing_method(uow: UnitOfWork, agreement: PayerAgreement) -> PayerMethod | None:
    with as_platform(uow):
        return uow.session.scalars(select(PayerMethod).where(PayerMethod.agreement_id == agreement.id)).first()


def _ask(uow: UnitOfWork, purchase: Purchase, orders: Sequence[Order], charge: PayerCharge) -> None:
    """The payer's people have their days from now on, but for what a subscription goes on costing."""
    if not any(order.subscription_id is not None for order in orders):
        purchase.deadline_at = clock.now() + PAYER_WAITS
        for order in orders:
            order.deadline_at = purchase.deadline_at
    emit(
        uow,
        PayerChargeAsked(
            charge_id=charge.id,
            purchase_id=purchase.id,
            buyer_org_id=purchase.buyer_org_id,
            payer_org_id=charge.payer_org_id,
        ),
    )


def _again(uow: UnitOfWork, purchase: Purchase, charge: PayerCharge) -> None:
    """It is asked for again after the payer's method failed: its people choose another one."""
    with as_platform(uow):
        before = latest_payment(uow, purchase.id)
    if charge.state == "approved" and before is not None and before.state == "failed":
        charge.decided_by = charge.decided_at = None
        PAYER_CHARGE.move(uow, charge, "asked", org_ids=charge.parties, reason="payment_failed")
        uow.flush()
        emit(
            uow,
            PayerChargeAsked(
                charge_id=charge.id,
                purchase_id=purchase.id,
                buyer_org_id=purchase.buyer_org_id,
                payer_org_id=charge.payer_org_id,
            ),
        )
