"""The hash chain over the ledger: sealed by a daily job, recomputed by `verify`.

Every seal covers the transactions that no earlier seal covers, in the order of their recording; its hash contains the
previous one, so that a change, an addition or a removal anywhere shows at the first seal after it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from uuid import UUID

from sqlalchemy import exists, insert, select, text

from billing.ledger.models import LedgerSeal, LedgerSealEntry, LedgerTransaction, Posting
from kernel import clock
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import sweep

GENESIS = "0" * 64
_CHAIN_LOCK = 4_201
"""Advisory lock: seals are made one at a time. Nothing on the path of a payment waits for it."""
_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class ChainFault:
    """A place where the books are not what was sealed."""

    seal_number: int
    what: str
    transaction_id: UUID | None = None


def seal_day(uow: UnitOfWork) -> int | None:
    """Seal everything that is not sealed; once per UTC day. Returns how many, None for nothing.

    Idempotent by: the day.
    """
    uow.session.execute(
        text("SELECT pg_advisory_xact_lock(CAST(:key AS integer), CAST(0 AS integer))"), {"key": _CHAIN_LOCK}
    )
    today = clock.today()
    if uow.session.scalar(select(LedgerSeal.id).where(LedgerSeal.sealed_on == today)) is not None:
        return None
    waiting = list(
        uow.session.scalars(
            select(LedgerTransaction.id)
            .where(~exists().where(LedgerSealEntry.transaction_id == LedgerTransaction.id))
            .order_by(LedgerTransaction.recorded_at, LedgerTransaction.id)
        )
    )
    if not waiting:
        return None
    last = uow.session.scalars(select(LedgerSeal).order_by(LedgerSeal.number.desc()).limit(1)).first()
    previous = last.hash if last else GENESIS
    seal = LedgerSeal(
        number=(last.number if last else 0) + 1,
        sealed_on=today,
        transactions=len(waiting),
        previous_hash=previous,
        hash=_chain(previous, _digests(uow, waiting)),
        sealed_at=clock.now(),
    )
    uow.session.add(seal)
    uow.flush()
    uow.session.execute(
        insert(LedgerSealEntry),
        [
            {"transaction_id": transaction_id, "seal_id": seal.id, "position": position}
            for position, transaction_id in enumerate(waiting)
        ],
    )
    return len(waiting)


def find_chain_faults(uow: UnitOfWork, *, unsealed_for: timedelta = timedelta(days=2)) -> Iterator[ChainFault]:
    """Recompute every seal and tell what does not fit; also transactions that no seal covers after `unsealed_for`."""
    previous = GENESIS
    for number, seal in enumerate(uow.session.scalars(select(LedgerSeal).order_by(LedgerSeal.number)), 1):
        if seal.number != number:
            yield ChainFault(seal.number, "seal_missing_before")
        if seal.previous_hash != previous:
            yield ChainFault(seal.number, "chain_broken")
        members = list(
            uow.session.scalars(
                select(LedgerSealEntry.transaction_id)
                .where(LedgerSealEntry.seal_id == seal.id)
                .order_by(LedgerSealEntry.position)
            )
        )
        if len(members) != seal.transactions:
            yield ChainFault(seal.number, "transactions_missing")
        if _chain(seal.previous_hash, _digests(uow, members)) != seal.hash:
            yield ChainFault(seal.number, "contents_changed")
        previous = seal.hash
    late = select(LedgerTransaction.id).where(
        ~exists().where(LedgerSealEntry.transaction_id == LedgerTransaction.id),
        LedgerTransaction.recorded_at < clock.now() - unsealed_for,
    )
    for transaction_id in uow.session.scalars(late):
        yield ChainFault(0, "never_sealed", transaction_id)


def _chain(previous: str, digests: Iterator[bytes]) -> str:
    state = hashlib.sha256(previous.encode())
    for digest in digests:
        state.update(digest)
    return state.hexdigest()


def _digests(uow: UnitOfWork, ids: Sequence[UUID]) -> Iterator[bytes]:
    """One digest per transaction, over every column of it (but who opened it) and of its postings, in the given order."""
    for start in range(0, len(ids), _BATCH):
        batch = ids[start : start + _BATCH]
        facts = {
            fact.id: fact
            for fact in uow.session.scalars(select(LedgerTransaction).where(LedgerTransaction.id.in_(batch)))
        }
        postings: dict[UUID, list[list[str]]] = {}
        rows = uow.session.scalars(
            select(Posting).where(Posting.transaction_id.in_(batch)).order_by(Posting.transaction_id, Posting.id)
        )
        for row in rows:
            line = [str(row.id), str(row.org_id), str(row.account_id), str(row.amount_minor), row.currency]
            postings.setdefault(row.transaction_id, []).append(line)
        for transaction_id in batch:
            yield _digest(facts.get(transaction_id), postings.get(transaction_id, []))


def _digest(fact: LedgerTransaction | None, postings: list[list[str]]) -> bytes:
    if fact is None:
        return b"missing"
    content = [
        str(fact.id),
        fact.business_key,
        fact.kind,
        str(fact.reference),
        [str(org_id) for org_id in fact.org_ids],
        str(fact.postings),
        fact.effective_at.astimezone(UTC).isoformat(),
        fact.recorded_at.astimezone(UTC).isoformat(),
        postings,
    ]
    if fact.occurred_at is not None:
        content.append(fact.occurred_at.astimezone(UTC).isoformat())
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).digest()


SEAL = "billing.ledger.seal"


def register(tell: Callable[[UnitOfWork], None] | None = None) -> None:
    """Register the sealing sweep, tried every hour and done once a day; `tell` is told in the transaction of each seal."""

    def work(uow: UnitOfWork) -> None:
        if seal_day(uow) is not None and tell is not None:
            tell(uow)

    @sweep(SEAL, every=timedelta(hours=1))
    def seal(transact: Transact) -> None:
        transact(work)
