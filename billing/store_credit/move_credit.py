"""Every change of a buyer's credit with a seller: reserved and used by payments, given by refunds, paid back by the platform."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Uuid, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY

from billing.incidents.open_incident import OpenIncident, open_incident
from billing.ledger.post import Fact, Leg, post
from billing.store_credit.models import STORE_CREDIT, StoreCredit, StoreCreditMovement
from kernel import clock
from kernel.db.locks import lock_row, lock_rows
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.money import Money
from marketplace.parties.models import PLATFORM_ORG_ID


@dataclass(frozen=True, slots=True)
class CreditPart:
    """What of a payment a seller's credit pays: `subject_id` is the order's part of the payment."""

    subject_id: UUID
    order_id: UUID
    seller_org_id: UUID
    amount_minor: int


_AVAILABLE = Read(
    select(StoreCredit)
    .where(
        StoreCredit.buyer_org_id == bindparam("buyer_org_id"),
        StoreCredit.seller_org_id == any_(bindparam("seller_org_ids", type_=ARRAY(Uuid))),
        StoreCredit.currency == bindparam("currency"),
        StoreCredit.balance_minor > StoreCredit.reserved_minor,
    )
    .order_by(StoreCredit.id)
    .with_for_update(key_share=True)
)


def ask_credit(uow: UnitOfWork, buyer_org_id: UUID, currency: str, seller_org_ids: Collection[UUID]) -> None:
    """Ask ahead, and lock, what `reserve_credit` reads."""
    uow.ask_ahead(_AVAILABLE, buyer_org_id=buyer_org_id, seller_org_ids=sorted(seller_org_ids), currency=currency)


def reserve_credit(
    uow: UnitOfWork, buyer_org_id: UUID, currency: str, wanted: Sequence[tuple[UUID, UUID, int]]
) -> dict[UUID, int]:
    """Reserve what credit there is for orders that are to be paid: (order, seller, amount). Returns what it pays of which order.

    Locks: the buyer's credit with these sellers, by id.
    """
    sellers = sorted({seller_org_id for _, seller_org_id, _ in wanted})
    rows = uow.fetch(_AVAILABLE, buyer_org_id=buyer_org_id, seller_org_ids=sellers, currency=currency)
    balances = {row.seller_org_id: row for row in rows}
    reserved = {}
    for order_id, seller_org_id, amount_minor in wanted:
        credit = balances.get(seller_org_id)
        part_minor = min(amount_minor, credit.available_minor) if credit is not None else 0
        if credit is not None and part_minor > 0:
            credit.reserved_minor += part_minor
            reserved[order_id] = part_minor
    return reserved


def use_credit(uow: UnitOfWork, buyer_org_id: UUID, currency: str, parts: Sequence[CreditPart]) -> None:
    """A payment has its money: what was reserved for it is used. Its legs in the books are the payment's own.

    Locks: the buyer's credit with these sellers, by id.
    """
    balances = _locked(uow, buyer_org_id, currency, parts)
    for part in parts:
        credit = balances[part.seller_org_id]
        credit.reserved_minor -= part.amount_minor
        credit.balance_minor -= part.amount_minor
        _note(uow, credit, "used", part.subject_id, part.order_id, -part.amount_minor)
    uow.flush()


def release_credit(uow: UnitOfWork, buyer_org_id: UUID, currency: str, parts: Sequence[CreditPart]) -> None:
    """A payment has failed: what was reserved for it may be used by another. Locks: as `use_credit`."""
    balances = _locked(uow, buyer_org_id, currency, parts)
    for part in parts:
        balances[part.seller_org_id].reserved_minor -= part.amount_minor
    uow.flush()


def give_credit(uow: UnitOfWork, buyer_org_id: UUID, currency: str, part: CreditPart) -> None:
    """A refund goes back as credit. Its legs in the books are the refund's own.

    Locks: the buyer's credit with the seller. Idempotent by the refund, whose state says that it was done.
    """
    opened = StoreCredit(
        id=uuid7(),
        buyer_org_id=buyer_org_id,
        seller_org_id=part.seller_org_id,
        currency=currency,
        balance_minor=0,
        reserved_minor=0,
        created_at=clock.now(),
    )
    uow.add_if_absent(opened, "buyer_org_id", "seller_org_id", "currency")
    credit = _locked(uow, buyer_org_id, currency, [part])[part.seller_org_id]
    credit.balance_minor += part.amount_minor
    _note(uow, credit, "given", part.subject_id, part.order_id, part.amount_minor)
    uow.flush()


def pay_credit_back(uow: UnitOfWork, credit_id: UUID, amount_minor: int) -> None:
    """What was reserved for it leaves the balance and is owed in money: an operator pays it and closes its incident.

    Locks: the credit. Idempotent by the job that does it.
    """
    credit = lock_row(uow.session, StoreCredit, credit_id)
    assert credit is not None  # noqa: S101 - balances stay
    credit.reserved_minor -= amount_minor
    credit.balance_minor -= amount_minor
    movement_id = uuid7()
    _note(uow, credit, "paid_back", movement_id, None, -amount_minor)
    currency, now = credit.currency.strip(), clock.now()
    legs = [
        Leg(credit.buyer_org_id, "store_credit", amount_minor),
        Leg(credit.buyer_org_id, "buyer_credit", -amount_minor),
    ]
    post(uow, Fact(f"credit:{movement_id}:paid_back", "credit_paid_back", movement_id, currency, now, legs))
    amount = Money(amount_minor, currency)
    open_incident(
        uow, OpenIncident("credit_paid_back", movement_id, STORE_CREDIT, str(credit.id), amount, "asked_by_buyer")
    )
    uow.flush()


def settle_paid_back(uow: UnitOfWork, movement_id: UUID) -> None:
    """The buyer has the money: what was owed to it is gone, and what was paid from elsewhere stands in suspense.

    Idempotent by: the incident, which is closed once.
    """
    movement = uow.session.scalars(
        select(StoreCreditMovement).where(
            StoreCreditMovement.kind == "paid_back", StoreCreditMovement.subject_id == movement_id
        )
    ).one()
    legs = [
        Leg(movement.buyer_org_id, "buyer_credit", -movement.amount_minor),
        Leg(PLATFORM_ORG_ID, "suspense", movement.amount_minor),
    ]
    currency = movement.currency.strip()
    post(uow, Fact(f"credit:{movement_id}:settled", "credit_settled", movement_id, currency, clock.now(), legs))


def _locked(uow: UnitOfWork, buyer_org_id: UUID, currency: str, parts: Sequence[CreditPart]) -> dict[UUID, StoreCredit]:
    uow.flush()
    ids = uow.session.scalars(
        select(StoreCredit.id).where(
            StoreCredit.buyer_org_id == buyer_org_id,
            StoreCredit.currency == currency,
            StoreCredit.seller_org_id.in_({part.seller_org_id for part in parts}),
        )
    ).all()
    return {row.seller_org_id: row for row in lock_rows(uow.session, StoreCredit, ids)}


def _note(
    uow: UnitOfWork, credit: StoreCredit, kind: str, subject_id: UUID, order_id: UUID | None, amount_minor: int
) -> None:
    uow.session.add(
        StoreCreditMovement(
            id=subject_id if kind == "paid_back" else uuid7(),
            buyer_org_id=credit.buyer_org_id,
            seller_org_id=credit.seller_org_id,
            credit_id=credit.id,
            kind=kind,
            subject_id=subject_id,
            reference=order_id,
            amount_minor=amount_minor,
            currency=credit.currency,
            created_at=clock.now(),
        )
    )
