"""What people and banks may do about a refund that waits for a red tax invoice (数电票), and what follows where it fails then."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import select

from billing.charges.models import Charge
from billing.disputes.queries import is_disputed
from billing.fapiao.models import LIVE, RedLetter
from billing.payments.models import Payment
from billing.refunds.hold_refund import give_up_refund, release_refund
from billing.refunds.models import Refund, RefundLine
from billing.refunds.request_refund import RequestRefund, request_refund
from billing.refunds.reverse_payment import ReversePayment, reverse_payment
from kernel import audit
from kernel.db.locks import lock_aggregate, lock_rows
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.states import state_in
from marketplace.input_text import line
from orders.order.locking import find_locked_order
from orders.refunds.models import RefundCase

WITHDRAWN: Final = "withdrawn_by_buyer"
DISPUTED: Final = "payment_disputed"


def withdraw_held_refund(uow: UnitOfWork, refund_id: UUID) -> Refund:
    """Its buyer lets a refund be that waits: the tax invoice stands, and so does the purchase. Done already, nothing changes.

    Raises:
        NotFound: `refund_not_found`.
        Conflict: `refund_not_held`, it waits for nothing; `refund_is_owed`, it was granted or is owed by a promise;
            `red_letter_issuing`, its red one is being issued.

    Emits: RefundFailed. Locks: the order, the refund, its red letters.
    """
    refund = _locked(uow, refund_id)
    if refund is None or refund.buyer_org_id != uow.principal.organization():
        raise NotFound("refund_not_found")
    if refund.state == "failed" and refund.error_code == WITHDRAWN:
        return refund
    if refund.state != "held":
        raise Conflict("refund_not_held")
    if refund.automatic or _is_granted(uow, refund.id):
        raise Conflict("refund_is_owed")
    ids = uow.session.scalars(select(RedLetter.id).where(RedLetter.refund_id == refund.id)).all()
    if any(one.state in LIVE and one.issuing_at is not None for one in lock_rows(uow.session, RedLetter, ids)):
        raise Conflict("red_letter_issuing")
    give_up_refund(uow, refund.id, WITHDRAWN)
    audit.record(uow, "refund.withdrawn", subject_id=refund.id)
    return refund


def pay_before_red(uow: UnitOfWork, refund_id: UUID, reason: str) -> Refund:
    """An operator lets a refund go that waits, where the sides do not come to a red one: its credit note waits for that instead.

    Raises:
        Forbidden: `permission_missing` without operator.payouts.
        NotFound: `refund_not_found`. Invalid: `text_required`, `text_too_long`. Conflict: `refund_not_held`.

    Locks: the order, the refund. Idempotent by: its state.
    """
    uow.principal.require("operator.payouts")
    said = line("reason", reason)
    refund = _locked(uow, refund_id)
    if refund is None:
        raise NotFound("refund_not_found")
    if refund.red_waiver == "operator":
        return refund
    if not release_refund(uow, refund.id, waiver="operator"):
        raise Conflict("refund_not_held")
    audit.record(uow, "refund.paid_before_red", subject_id=refund.id, reason=said)
    return refund


def give_up_held(uow: UnitOfWork, payment_id: UUID, code: str, *, disputed: bool = False) -> None:
    """A payment's money is, or may be, gone otherwise: what waits of it comes to nothing; `disputed`: what a bank decides about.

    Emits: RefundFailed for each. Locks: the purchase, the orders by id, their refunds and red letters.
    """
    waits = select(Refund.id, Refund.reference).where(Refund.payment_id == payment_id, state_in(Refund.state, "held"))
    found = uow.session.execute(waits.order_by(Refund.reference, Refund.id)).all()
    if found:
        lock_aggregate(uow, uow.session.get_one(Payment, payment_id).reference)
    for refund_id, order_id in found:
        find_locked_order(uow, order_id)
        if not disputed or is_disputed(uow, payment_id, order_id):
            give_up_refund(uow, refund_id, code)


def lose_payment(uow: UnitOfWork, payment_id: UUID, code: str) -> None:
    """A payment was reversed: whatever of it was not given back yet, its orders have lost, and what waited to go back too."""
    give_up_held(uow, payment_id, "payment_reversed")
    payment = uow.session.get_one(Payment, payment_id)
    reference = payment.gateway_reference or ""
    reverse_payment(
        uow,
        ReversePayment(payment.id, payment.money_minor, "reversal", "payment_reversed", payment.id, reference, code),
    )


def is_asked_again(uow: UnitOfWork, refund: Refund) -> bool:
    """Whether a failed refund is still owed since it had waited for a red one. What was granted is asked again anyway."""
    return refund.held_at is not None and refund.error_code != WITHDRAWN and not _is_granted(uow, refund.id)


def ask_again(uow: UnitOfWork, refund_id: UUID) -> bool:
    """Ask once more for the same amounts of a refund that had waited and failed, as far as they are left.

    Returns False while a bank decides about its payment. Locks: the order, then what billing locks.
    """
    refund = uow.session.get_one(Refund, refund_id)
    find_locked_order(uow, refund.reference)
    if is_disputed(uow, refund.payment_id, refund.reference):
        return False
    rows = uow.session.execute(
        select(Charge, RefundLine.gross_minor)
        .join(RefundLine, RefundLine.charge_id == Charge.id)
        .where(RefundLine.refund_id == refund.id)
        .order_by(Charge.id)
        .execution_options(populate_existing=True)
    )
    left = {one.charged_for: min(minor, one.gross_minor - one.reserved_minor) for one, minor in rows}
    amounts = {charged_for: minor for charged_for, minor in left.items() if minor > 0}
    payment = uow.session.get_one(Payment, refund.payment_id)
    if amounts and payment.state == "succeeded":
        request_refund(
            uow,
            RequestRefund(
                refund.reference,
                refund.payment_id,
                refund.reason,
                automatic=refund.automatic,
                amounts=amounts,
                as_credit=refund.credit_minor == refund.amount_minor,
            ),
        )
    return True


def _locked(uow: UnitOfWork, refund_id: UUID) -> Refund | None:
    order_id = uow.session.scalar(select(Refund.reference).where(Refund.id == refund_id))
    if order_id is None:
        return None
    find_locked_order(uow, order_id)
    refund = uow.session.get_one(Refund, refund_id)
    uow.session.refresh(refund)
    return refund


def _is_granted(uow: UnitOfWork, refund_id: UUID) -> bool:
    return uow.session.scalar(select(RefundCase.id).where(RefundCase.refund_id == refund_id)) is not None
