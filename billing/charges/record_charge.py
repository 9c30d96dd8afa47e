"""Turn a paid line into money that belongs to somebody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import bindparam, select

from billing.charges.models import Charge
from billing.ledger.post import AccountKind, Fact, Leg, post
from billing.payments.models import Payment, PaymentAllocation
from billing.promoter_plans.take_from_month import TakeFromMonth, take_from_month
from billing.shares.models import SHARE, Share
from billing.shares.promotion import PROMOTION, PinnedPromotion, cap_of_part, divide_promotion
from billing.shares.split import ShareTerms, Split, split
from kernel import clock
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.events import Event
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.money import PPM
from marketplace.catalog.selling_model import AGENCY, RESELLER
from marketplace.parties.models import PLATFORM_ORG_ID


@dataclass(frozen=True, slots=True)
class RecordCharge:
    """A line that `payment_id` has paid. Amounts in minor units of `currency`, as the order pinned them."""

    reference: UUID
    """The order line."""
    group_reference: UUID
    """The order."""
    payment_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    promoter_org_id: UUID | None
    video_id: UUID | None
    net_minor: int
    tax_minor: int
    gross_minor: int
    tax_rate_ppm: int
    currency: str
    terms: ShareTerms
    part_reference: UUID | None = None
    """The milestone of the line that is charged, where the line is charged in several."""
    line_net_minor: int | None = None
    """Net of the whole line then: a cap on the line is divided among its milestones."""
    selling_model: str = AGENCY
    """Who sold it: of a reseller line the tax is the platform's to pay, and the net alone is shared."""
    supply_tax_rate_ppm: int | None = None
    supply_tax_category: str | None = None
    """Of a reseller line: the tax inside what its seller gets of it."""

    @property
    def payable_tax_minor(self) -> int:
        """Of the tax, what the platform owes; the rest is the seller's, in whose share it is."""
        return self.tax_minor if self.selling_model == RESELLER else 0

    @property
    def shared_tax_minor(self) -> int:
        """Of the tax, what is in the seller's share."""
        return self.tax_minor - self.payable_tax_minor


_COPIED = (
    "buyer_org_id",
    "seller_org_id",
    "reference",
    "part_reference",
    "group_reference",
    "payment_id",
    "net_minor",
    "tax_minor",
    "gross_minor",
    "currency",
    "tax_rate_ppm",
    "selling_model",
    "supply_tax_rate_ppm",
    "supply_tax_category",
)
"""What a charge has of its command as it is."""


def record_charge(uow: UnitOfWork, command: RecordCharge) -> UUID:
    """Move a line's gross from the buyer's credit to the parties of its shares; of what the platform sold itself, the tax
    to what it owes. Returns the charge's id.

    Raises:
        NotFound: `payment_not_found`, no allocation of this payment to this order.
        Conflict: `payment_not_captured`; `charge_exceeds_payment`, more than is left of the order's allocation.
        Invalid: `amounts_differ`, net and tax are not the gross.

    Emits: ChargeRecorded.
    Locks: the payment's allocations; what is left of a promoter's month where its plan has such a cap.
    Idempotent by: the order line and its milestone; the first charge stands.
    """
    if command.net_minor + command.tax_minor != command.gross_minor or min(command.net_minor, command.tax_minor) < 0:
        raise Invalid("amounts_differ", field="gross")
    allocation, payment, charges = _lock_allocation(uow, command)
    for known in charges:
        if (known.reference, known.part_reference) == (command.reference, command.part_reference):
            return known.id
    if payment.captured_at is None:
        raise Conflict("payment_not_captured")
    if payment.currency != command.currency or command.gross_minor > _left(allocation, charges):
        raise Conflict("charge_exceeds_payment")
    copied = {name: getattr(command, name) for name in _COPIED}
    charge = Charge(id=uuid7(), allocation_id=allocation.id, captured_at=payment.captured_at, **copied)
    uow.add(charge)
    cap_minor = _cap(uow, command, charge)
    parts = split(command.net_minor, command.shared_tax_minor, command.terms, cap_minor)
    parties = _parties(command, parts)
    _open_shares(uow, command, charge, parties, cap_minor)
    _post(uow, command, charge, parties)
    emit(
        uow,
        ChargeRecorded(
            charge_id=charge.id,
            reference=charge.reference,
            group_reference=charge.group_reference,
            payment_id=charge.payment_id,
            buyer_org_id=charge.buyer_org_id,
            seller_org_id=charge.seller_org_id,
            gross_minor=charge.gross_minor,
            currency=charge.currency,
        ),
    )
    return charge.id


_ALLOCATIONS = Read(
    select(PaymentAllocation, Payment)
    .join(Payment, Payment.id == PaymentAllocation.payment_id)
    .where(PaymentAllocation.payment_id == bindparam("payment_id"))
    .order_by(PaymentAllocation.id)
    .with_for_update(of=PaymentAllocation, key_share=True)
)


_CHARGES = Read(select(Charge).where(Charge.payment_id == bindparam("payment_id")))


def ask_charges(uow: UnitOfWork, payment_id: UUID) -> None:
    """Ask ahead for the first `record_charge` of a payment."""
    uow.ask_ahead(_ALLOCATIONS, payment_id=payment_id)
    uow.ask_ahead(_CHARGES, payment_id=payment_id)


def _lock_allocation(uow: UnitOfWork, command: RecordCharge) -> tuple[PaymentAllocation, Payment, list[Charge]]:
    named = (command.group_reference, command.buyer_org_id, command.seller_org_id)
    for row in uow.fetch(_ALLOCATIONS, payment_id=command.payment_id):
        allocation: PaymentAllocation = row.PaymentAllocation
        if (allocation.reference, allocation.payer_org_id, allocation.seller_org_id) == named:
            # Asked after the lock was given: what another transaction charged meanwhile is seen.
            charges = uow.fetch(_CHARGES, payment_id=command.payment_id)
            return allocation, row.Payment, [charge for charge in charges if charge.allocation_id == allocation.id]
    raise NotFound("payment_not_found")


def _left(allocation: PaymentAllocation, charges: Sequence[Charge]) -> int:
    """What of the allocation is neither charged nor, without having been charged, on its way back to the buyer."""
    uncharged_reserve = allocation.reserved_minor - sum(charge.reserved_minor for charge in charges)
    return allocation.amount_minor - sum(charge.gross_minor for charge in charges) - uncharged_reserve


@dataclass(frozen=True, slots=True)
class _Part:
    """What one party gets."""

    kind: str
    org_id: UUID
    rate_ppm: int
    amount_minor: int


def _cap(uow: UnitOfWork, command: RecordCharge, charge: Charge) -> int | None:
    """The most for promotion by the caps of its plan; what a month's cap gives is taken from it."""
    pinned, promoter_id = command.terms.promotion, command.promoter_org_id
    if pinned is None or promoter_id is None or pinned.cap_currency != command.currency:
        return None
    cap_minor = pinned.order_cap_minor
    if cap_minor is not None and command.line_net_minor is not None:
        cap_minor = cap_of_part(cap_minor, command.net_minor, command.line_net_minor)
    if pinned.month_cap_minor is None:
        return cap_minor
    wanted_minor = split(command.net_minor, command.shared_tax_minor, command.terms, cap_minor).promoter_minor
    of_month = TakeFromMonth(
        pinned.plan_id, command.seller_org_id, promoter_id, charge.captured_at, command.currency, pinned.month_cap_minor
    )
    return take_from_month(uow, of_month, wanted_minor)


def _parties(command: RecordCharge, parts: Split) -> list[_Part]:
    terms = command.terms
    found = [
        _Part("seller", command.seller_org_id, PPM - terms.commission_ppm - terms.promoter_ppm, parts.seller_minor),
        _Part("commission", PLATFORM_ORG_ID, terms.commission_ppm, parts.commission_minor),
    ]
    if command.promoter_org_id is None:
        if terms.promoter_ppm:
            raise Invalid("promoter_missing", field="promoter")
        return found
    pinned = terms.promotion or PinnedPromotion(command.promoter_org_id)
    rates = (pinned.distributor_ppm, pinned.service_ppm)
    divided = divide_promotion(parts.promoter_minor, terms.promoter_ppm, *rates)
    own_ppm = terms.promoter_ppm - sum(rates)
    found.append(_Part("promoter", command.promoter_org_id, own_ppm, divided["promoter"]))
    chain = (("distributor", pinned.distributor_org_id), ("service_provider", pinned.service_org_id))
    for (kind, org_id), rate_ppm in zip(chain, rates, strict=True):
        if org_id is not None:
            found.append(_Part(kind, org_id, rate_ppm, divided[kind]))
    return found


def _open_shares(
    uow: UnitOfWork, command: RecordCharge, charge: Charge, parties: Sequence[_Part], cap_minor: int | None
) -> None:
    terms = command.terms
    for part in parties:
        share = Share(
            id=uuid7(),
            org_id=part.org_id,
            seller_org_id=command.seller_org_id,
            charge_id=charge.id,
            reference=command.reference,
            part_reference=command.part_reference,
            group_reference=command.group_reference,
            video_id=command.video_id,
            kind=part.kind,
            policy_version=terms.policy_version,
            rate_ppm=part.rate_ppm,
            conflict=terms.conflict if part.kind == "promoter" else None,
            cap_minor=cap_minor if part.kind in PROMOTION else None,
            base_minor=command.net_minor,
            gross_minor=command.net_minor + command.shared_tax_minor,
            amount_minor=part.amount_minor,
            currency=command.currency,
            hold_days=terms.hold_days,
            captured_at=charge.captured_at,
        )
        SHARE.begin(uow, share, org_ids=sorted({part.org_id, command.seller_org_id}))
        uow.add(share)


def _post(uow: UnitOfWork, command: RecordCharge, charge: Charge, parties: Sequence[_Part]) -> None:
    legs = [
        Leg(command.buyer_org_id, "buyer_credit", command.gross_minor),
        Leg(PLATFORM_ORG_ID, "tax_payable", -command.payable_tax_minor),
    ]
    for part in parties:
        account: AccountKind = "commission" if part.kind == "commission" else "party_pending"
        legs.append(Leg(part.org_id, account, -part.amount_minor))
    post(
        uow,
        Fact(f"charge:{charge.id}", "charge", charge.id, command.currency, clock.now(), legs),
    )


class ChargeRecorded(Event):
    """A paid line has been split into shares. Names no amounts of the split: the buyer may see this fact."""

    topic: ClassVar[str] = "billing.charge_recorded.v1"
    charge_id: UUID
    reference: UUID
    group_reference: UUID
    payment_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    gross_minor: int
    currency: str
