"""Put what waits to be paid by bank in one currency together, for one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import exists, select

from billing.gateways.result import GatewayResult
from billing.payout_batches.debtor import debtor_of
from billing.payout_batches.models import PAYOUT_BATCH, PayoutBatch, PayoutBatchEntry
from billing.payouts.apply_gateway_result import apply_gateway_result
from billing.payouts.models import BANK, Payout
from billing.payouts.submit_payout import begin_attempt, is_disputed
from billing.second_person import limit_minor
from kernel import audit, clock
from kernel.db.locks import advisory_xact_lock, lock_rows
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from kernel.ids import uuid7
from kernel.states import state_in
from marketplace.onboarding.models import PayoutAccount
from marketplace.parties.lookups import get_party
from marketplace.parties.models import PLATFORM_ORG_ID

BATCH_LOCK: Final = 4_207
"""Advisory lock: batches are drafted one at a time."""
MOST: Final = 1_000
"""Transfers of one file; what is left waits for the next."""


@dataclass(frozen=True, slots=True)
class DraftBatch:
    """Draft a batch of what waits in `currency`. `debtors`: the platform's accounts, as `debtor_of` reads them;
    `second_person_above`: whole units of the currency above which another person has to approve it.
    """

    currency: str
    debtors: str
    second_person_above: int


def draft_batch(uow: UnitOfWork, command: DraftBatch) -> UUID | None:
    """Put every waiting payout by bank into a new batch. Returns its id.

    A payout whose account was replaced since, or of which a bank decides something now, fails instead: its statement is to
    be paid anew. None: all that waited did.

    Raises:
        Forbidden: `permission_missing` without operator.payouts.
        Conflict: `payout_batch_empty`, `payout_debtor_missing`.

    Emits: PayoutFailed for those that fail.
    Locks: the drafting of batches, the payouts by id.
    """
    uow.principal.require("operator.payouts")
    debtor = debtor_of(command.debtors, command.currency)
    advisory_xact_lock(uow.session, BATCH_LOCK, PLATFORM_ORG_ID)
    waiting = _lock_waiting(uow, command.currency)
    if not waiting:
        raise Conflict("payout_batch_empty", currency=command.currency)
    stale = stale_payouts(uow, waiting)
    for payout in waiting:
        if payout.id in stale:
            begin_attempt(uow, payout)
            uow.flush()
            apply_gateway_result(uow, payout.id, GatewayResult(refused=stale[payout.id]))
    left = [payout for payout in waiting if payout.id not in stale]
    if not left:
        return None
    platform = get_party(uow, PLATFORM_ORG_ID)
    now = clock.now()
    batch = PayoutBatch(
        id=uuid7(),
        currency=command.currency,
        payouts=len(left),
        control_sum_minor=sum(payout.amount_minor for payout in left),
        debtor_name=platform.legal_name,
        debtor_country=debtor.country,
        debtor_account=debtor.account,
        debtor_bank_code=debtor.bank_code,
        second_person_above_minor=limit_minor(command.second_person_above, command.currency),
        execution_on=now.astimezone(ZoneInfo(platform.time_zone)).date(),
        drafted_by=uow.principal.accountable_id,
        created_at=now,
    )
    PAYOUT_BATCH.begin(uow, batch, org_ids=[])
    uow.session.add(batch)
    uow.flush()
    uow.session.add_all(_entry(batch, payout) for payout in left)
    uow.flush()
    audit.record(uow, "payout_batch.drafted", subject_id=batch.id, payouts=batch.payouts, currency=batch.currency)
    return batch.id


def stale_payouts(uow: UnitOfWork, payouts: Sequence[Payout]) -> dict[UUID, str]:
    """Which of these must not be sent any more, and why: `payout_account_changed` or `payment_disputed`."""
    accounts = {payout.account_id for payout in payouts if payout.account_id is not None}
    replaced = set(
        uow.session.scalars(
            select(PayoutAccount.id).where(PayoutAccount.id.in_(accounts), PayoutAccount.replaced_at.is_not(None))
        )
    )
    found = {payout.id: "payout_account_changed" for payout in payouts if payout.account_id in replaced}
    return found | {payout.id: "payment_disputed" for payout in payouts if is_disputed(uow, payout)}


def _lock_waiting(uow: UnitOfWork, currency: str) -> list[Payout]:
    batched = exists().where(PayoutBatchEntry.payout_id == Payout.id, PayoutBatchEntry.dropped_at.is_(None))
    ids = uow.session.scalars(
        select(Payout.id)
        .where(Payout.gateway == BANK, state_in(Payout.state, "scheduled"), Payout.currency == currency, ~batched)
        .order_by(Payout.id)
        .limit(MOST)
    ).all()
    return [payout for payout in lock_rows(uow.session, Payout, ids) if payout.state == "scheduled"]


def _entry(batch: PayoutBatch, payout: Payout) -> PayoutBatchEntry:
    return PayoutBatchEntry(
        id=uuid7(),
        batch_id=batch.id,
        org_id=payout.org_id,
        payout_id=payout.id,
        account_id=payout.account_id,
        amount_minor=payout.amount_minor,
        currency=payout.currency,
        created_at=batch.created_at,
    )
