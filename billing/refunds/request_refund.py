"""Ask for money back on an order. What is asked for is reserved at once, under lock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select

from billing.charges.models import Charge
from billing.disputes.queries import is_disputed
from billing.payments.models import Payment, PaymentAllocation
from billing.refunds.allocate_refund import LineLeft, RefundPart, allocate_refund
from billing.refunds.hold_refund import submit_or_hold
from billing.refunds.models import REFUND, Refund, RefundLine
from kernel import clock
from kernel.db.locks import lock_row, lock_rows
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.money import allocate


@dataclass(frozen=True, slots=True)
class RequestRefund:
    """Give money of order `reference` back.

    `amounts` names the gross per order line (per milestone, where a line is charged in such), or `amount_minor` the gross
    for the order, which is spread over its lines in proportion to what is left of them. Neither means everything that is
    left of the order, money included that no charge has taken yet (a payment that came for an order that had expired).
    """

    reference: UUID
    payment_id: UUID
    reason: str
    automatic: bool
    amounts: Mapping[UUID, int] = field(default_factory=dict)
    amount_minor: int | None = None
    origin: str = "request"
    """Who moves the money; what the gateway moved by itself (`reverse_payment`) is not asked of it."""
    as_credit: bool = False
    """Whether the buyer has agreed to credit with the seller instead of money. What credit paid goes back as credit anyway, after
    what money paid."""


def request_refund(uow: UnitOfWork, command: RequestRefund) -> UUID:
    """Reserve the amounts and let a job take the refund to the gateway after the commit. Returns the refund's id.

    What stands on a Chinese tax invoice is held first, until that is taken back (`billing.refunds.hold_refund`).

    Raises:
        NotFound: `payment_not_found`, `charge_not_found`.
        Conflict: `payment_not_captured`; `payment_disputed`, the bank may give it back;
            `refund_exceeds_charge` or `refund_exceeds_payment`, less is left than was
            asked for, refunds under way included; `nothing_left_to_refund`.
        Invalid: `amount_not_positive`.

    Emits: later, from the job: RefundSucceeded or RefundFailed.
    Locks: the order's allocation, then its charges by id.
    """
    allocation = _lock_allocation(uow, command)
    if command.origin == "request" and is_disputed(uow, command.payment_id, command.reference):
        raise Conflict("payment_disputed")
    charges = {charge.charged_for: charge for charge in _lock_charges(uow, allocation)}
    parts = _parts(command, allocation, charges)
    amount_minor = sum(part.gross_minor for part in parts.values())
    if not command.amounts and _wants_everything(command, allocation):
        # Everything: also what was paid for the order and never charged.
        uncharged = allocation.amount_minor - sum(charge.gross_minor for charge in charges.values())
        reserved_for_charges = sum(charge.reserved_minor for charge in charges.values())
        amount_minor += uncharged - (allocation.reserved_minor - reserved_for_charges)
    if amount_minor <= 0:
        raise Conflict("nothing_left_to_refund")
    if allocation.reserved_minor + amount_minor > allocation.amount_minor:
        raise Conflict("refund_exceeds_payment")
    credit_minor = _credit_minor(command, allocation, amount_minor)
    refund = _insert(uow, command, allocation, amount_minor, credit_minor)
    for reference, part in parts.items():
        charge = charges[reference]
        charge.reserved_minor += part.gross_minor
        charge.reserved_net_minor += part.net_minor
        uow.session.add(_line(refund, charge, part))
    allocation.reserved_minor += amount_minor
    allocation.credit_back_minor += credit_minor
    uow.flush()
    if command.origin == "request":
        submit_or_hold(uow, refund)
    return refund.id


def _credit_minor(command: RequestRefund, allocation: PaymentAllocation, amount_minor: int) -> int:
    if command.as_credit:
        return amount_minor
    if command.origin != "request":
        # It has gone by the gateway already.
        return 0
    return amount_minor - min(amount_minor, max(0, allocation.money_left_minor))


def _lock_allocation(uow: UnitOfWork, command: RequestRefund) -> PaymentAllocation:
    statement = select(PaymentAllocation.id).where(
        PaymentAllocation.payment_id == command.payment_id, PaymentAllocation.reference == command.reference
    )
    principal = uow.principal
    if not principal.is_platform:
        org_id = principal.organization()
        statement = statement.where(
            (PaymentAllocation.payer_org_id == org_id) | (PaymentAllocation.seller_org_id == org_id)
        )
    found = uow.session.scalar(statement)
    allocation = lock_row(uow.session, PaymentAllocation, found) if found is not None else None
    if allocation is None:
        raise NotFound("payment_not_found")
    return allocation


def _lock_charges(uow: UnitOfWork, allocation: PaymentAllocation) -> list[Charge]:
    ids = uow.session.scalars(select(Charge.id).where(Charge.allocation_id == allocation.id)).all()
    return lock_rows(uow.session, Charge, ids)


def _wants_everything(command: RequestRefund, allocation: PaymentAllocation) -> bool:
    return command.amount_minor in {None, allocation.amount_minor - allocation.reserved_minor}


def _parts(
    command: RequestRefund, allocation: PaymentAllocation, charges: Mapping[UUID, Charge]
) -> dict[UUID, RefundPart]:
    everything_minor = allocation.amount_minor - allocation.reserved_minor
    wanted = _by_charge(command.amounts, charges) or _spread(command, charges, everything_minor)
    parts: dict[UUID, RefundPart] = {}
    for reference, gross_minor in wanted.items():
        charge = charges.get(reference)
        if charge is None:
            raise NotFound("charge_not_found")
        if gross_minor < 0 or (gross_minor == 0 and command.amounts):
            raise Invalid("amount_not_positive", field="amounts")
        left_minor = charge.gross_minor - charge.reserved_minor
        if gross_minor > left_minor:
            raise Conflict("refund_exceeds_charge")
        if gross_minor:
            left = LineLeft(
                gross_minor=left_minor,
                net_minor=charge.net_minor - charge.reserved_net_minor,
                rate_ppm=charge.tax_rate_ppm,
            )
            parts[reference] = allocate_refund(gross_minor, left)
    return parts


def _by_charge(amounts: Mapping[UUID, int], charges: Mapping[UUID, Charge]) -> dict[UUID, int]:
    """What goes back of each charge. A line that was charged in milestones may be named as a whole, as a bank knows it."""
    wanted: dict[UUID, int] = {}
    for named, gross_minor in amounts.items():
        left = {part: one.gross_minor - one.reserved_minor for part, one in charges.items() if one.reference == named}
        if named in charges or not left:
            wanted[named] = gross_minor
            continue
        if gross_minor <= 0:
            raise Invalid("amount_not_positive", field="amounts")
        if gross_minor > sum(left.values()):
            raise Conflict("refund_exceeds_charge")
        spread = zip(left, allocate(gross_minor, list(left.values())), strict=True)
        wanted |= {part: minor for part, minor in spread if minor}
    return wanted


def _spread(command: RequestRefund, charges: Mapping[UUID, Charge], everything_minor: int) -> dict[UUID, int]:
    left = {reference: charge.gross_minor - charge.reserved_minor for reference, charge in charges.items()}
    if command.amount_minor is None or command.amount_minor == everything_minor:
        return left
    if command.amount_minor <= 0:
        raise Invalid("amount_not_positive", field="amount")
    if command.amount_minor > sum(left.values()):
        raise Conflict("refund_exceeds_charge")
    return dict(zip(left, allocate(command.amount_minor, list(left.values())), strict=True))


def _insert(
    uow: UnitOfWork, command: RequestRefund, allocation: PaymentAllocation, amount_minor: int, credit_minor: int
) -> Refund:
    # A seller may refund its own order but may not read the buyer's payment; the job checks the capture again.
    payment = uow.session.get(Payment, command.payment_id)
    is_money = command.origin == "request" and credit_minor < amount_minor
    if is_money and payment is not None and payment.state != "succeeded":
        raise Conflict("payment_not_captured")
    now = clock.now()
    refund = Refund(
        id=uuid7(),
        buyer_org_id=allocation.payer_org_id,
        seller_org_id=allocation.seller_org_id,
        reference=command.reference,
        payment_id=command.payment_id,
        allocation_id=allocation.id,
        amount_minor=amount_minor,
        credit_minor=credit_minor,
        currency=allocation.currency,
        reason=command.reason,
        automatic=command.automatic,
        origin=command.origin,
        next_check_at=now,
        created_at=now,
    )
    REFUND.begin(uow, refund, org_ids=[refund.buyer_org_id, refund.seller_org_id], reason=command.reason)
    uow.session.add(refund)
    uow.flush()
    return refund


def _line(refund: Refund, charge: Charge, part: RefundPart) -> RefundLine:
    return RefundLine(
        buyer_org_id=refund.buyer_org_id,
        seller_org_id=refund.seller_org_id,
        refund_id=refund.id,
        charge_id=charge.id,
        net_minor=part.net_minor,
        tax_minor=part.tax_minor,
        gross_minor=part.gross_minor,
        currency=refund.currency,
    )
