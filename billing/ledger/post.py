"""The only way into the books: a fact with its postings, once per business key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Uuid, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY

from billing.ledger.models import LedgerAccount, LedgerTransaction, Posting
from kernel import clock
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7

AccountKind = Literal[
    "gateway_cash",
    "buyer_credit",
    "party_pending",
    "party_available",
    "payout_clearing",
    "commission",
    "gateway_fee",
    "gateway_exchange",
    "bank_clearing",
    "suspense",
    "store_credit",
    "receivable",
    "tax_payable",
]


MOST_REMEMBERED = 20_000
"""Accounts whose ids a process keeps at a time."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of a fact: debit positive, credit negative, in minor units. A leg of zero is left out of the books."""

    org_id: UUID
    kind: AccountKind
    amount_minor: int
    gateway: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """What happened, in one currency. `business_key` names it for ever, as `charge:<id>` or `refund:<id>`."""

    business_key: str
    kind: str
    reference: UUID
    currency: str
    effective_at: datetime
    legs: Sequence[Leg]


def post(uow: UnitOfWork, fact: Fact) -> None:
    """Write a fact into the books; nothing when all its legs are zero.

    Only the platform's own work may post: the database checks balance and completeness at commit over all postings, and
    an organization's eyes would see only its own.

    Raises:
        PermissionError: a person or key tried to.
        ValueError: the legs do not add up to zero; nothing was written.
        IntegrityError: at flush, when the business key stands there already. Whoever posts decides by the state of the
            row that it is about, under its lock, so that a fact becomes true once.
    """
    if not uow.principal.is_platform:
        msg = "only the platform's own work writes the ledger"
        raise PermissionError(msg)
    legs = [leg for leg in fact.legs if leg.amount_minor != 0]
    if sum(leg.amount_minor for leg in legs) != 0:
        msg = f"{fact.business_key} does not balance"
        raise ValueError(msg)
    if not legs:
        return
    transaction = LedgerTransaction(
        id=uuid7(),
        business_key=fact.business_key,
        kind=fact.kind,
        reference=fact.reference,
        org_ids=sorted({leg.org_id for leg in legs}),
        postings=len(legs),
        effective_at=fact.effective_at,
        recorded_at=clock.now(),
    )
    uow.add(transaction)
    accounts = _accounts(uow, fact.currency, legs)
    for leg in legs:
        posting = Posting(
            id=uuid7(),
            org_id=leg.org_id,
            transaction_id=transaction.id,
            account_id=accounts[leg.org_id, leg.kind, leg.gateway],
            amount_minor=leg.amount_minor,
            currency=fact.currency,
        )
        uow.add(posting)


_ACCOUNTS = Read(
    select(LedgerAccount.org_id, LedgerAccount.kind, LedgerAccount.gateway, LedgerAccount.id).where(
        LedgerAccount.org_id == any_(bindparam("org_ids", type_=ARRAY(Uuid))),
        LedgerAccount.currency == bindparam("currency"),
    )
)


def _accounts(uow: UnitOfWork, currency: str, legs: Sequence[Leg]) -> dict[tuple[UUID, str, str], UUID]:
    """The accounts of the legs, opened where they do not exist. They never change: what was committed is remembered."""
    wanted = sorted({(leg.org_id, leg.kind, leg.gateway) for leg in legs})
    remembered = uow.remembered.setdefault("billing.ledger_accounts", {})
    if all((currency, *key) in remembered for key in wanted):
        return {key: remembered[currency, *key] for key in wanted}
    found = _find(uow, currency, wanted)
    missing = [key for key in wanted if key not in found]
    if missing:
        for org_id, kind, gateway in missing:
            account = LedgerAccount(org_id=org_id, kind=kind, currency=currency, gateway=gateway)
            uow.add_if_absent(account, "org_id", "kind", "currency", "gateway")
        found = _find(uow, currency, wanted)
    uow.after_commit(lambda: _remember(remembered, {(currency, *key): account_id for key, account_id in found.items()}))
    return found


def _remember(remembered: dict[Any, Any], found: Mapping[Any, UUID]) -> None:
    if len(remembered) > MOST_REMEMBERED:
        remembered.clear()
    remembered.update(found)


def _find(uow: UnitOfWork, currency: str, keys: Sequence[tuple[UUID, str, str]]) -> dict[tuple[UUID, str, str], UUID]:
    rows = uow.fetch(_ACCOUNTS, org_ids=sorted({org_id for org_id, _, _ in keys}), currency=currency)
    return {(row.org_id, row.kind, row.gateway): row.id for row in rows}
