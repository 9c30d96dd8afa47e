"""Approve a batch, hand it over for the bank, or discard it."""

from __future__ import annotations

from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from billing.payout_batches.draft_batch import stale_payouts
from billing.payout_batches.models import PAYOUT_BATCH, PayoutBatch, PayoutBatchEntry
from billing.payouts.models import Payout
from billing.payouts.submit_payout import begin_attempt
from billing.second_person import agreeing_person
from kernel import clock
from kernel.db.locks import lock_row, lock_rows
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from marketplace.onboarding.models import PayoutAccount
from marketplace.parties.lookups import get_party
from marketplace.parties.models import PLATFORM_ORG_ID


def approve_batch(uow: UnitOfWork, batch_id: UUID) -> None:
    """Say that a batch may go out. Above its limit that is for somebody who neither drafted it nor gave or confirmed one of
    its accounts.

    Raises:
        Forbidden: `permission_missing` without operator.payouts; `person_required` for keys.
        NotFound: `payout_batch_not_found`.
        Conflict: `payout_batch_second_person`, `payout_batch_stale` (an account was replaced since), `invalid_transition`.

    Locks: the batch, its payouts and their accounts by id.
    Idempotent by: the batch's state.
    """
    uow.principal.require("operator.payouts")
    uow.principal.person()
    batch = _lock(uow, batch_id)
    if batch.state == "approved":
        return
    person_id = agreeing_person(
        uow,
        batch.control_sum_minor,
        above_minor=batch.second_person_above_minor,
        involved=_involved(uow, batch),
        refusal="payout_batch_second_person",
    )
    _lock_fresh(uow, batch)
    batch.approved_by, batch.approved_at = person_id, clock.now()
    PAYOUT_BATCH.move(uow, batch, "approved", org_ids=[])


def send_batch(uow: UnitOfWork, batch_id: UUID) -> None:
    """Hand an approved batch over: from now on its file can be had, and its payouts are under way.

    Raises:
        Forbidden: `permission_missing` without operator.payouts.
        NotFound: `payout_batch_not_found`.
        Conflict: `payout_batch_stale`, `invalid_transition`: it is not approved.

    Locks: the batch, its payouts and their accounts by id.
    Idempotent by: the batch's state.
    """
    uow.principal.require("operator.payouts")
    batch = _lock(uow, batch_id)
    if batch.sent_at is not None:
        return
    now = clock.now()
    PAYOUT_BATCH.move(uow, batch, "sent", org_ids=[])
    batch.sent_by, batch.sent_at = uow.principal.accountable_id, now
    batch.execution_on = now.astimezone(ZoneInfo(get_party(uow, PLATFORM_ORG_ID).time_zone)).date()
    for payout in _lock_fresh(uow, batch):
        begin_attempt(uow, payout)
    uow.flush()


def discard_batch(uow: UnitOfWork, batch_id: UUID) -> None:
    """Give a batch up that has not gone out: its payouts wait for another.

    Raises:
        Forbidden: `permission_missing` without operator.payouts.
        NotFound: `payout_batch_not_found`.
        Conflict: `invalid_transition`: it went out.

    Locks: the batch, its entries.
    Idempotent by: the batch's state.
    """
    uow.principal.require("operator.payouts")
    batch = _lock(uow, batch_id)
    if not PAYOUT_BATCH.move(uow, batch, "discarded", org_ids=[]):
        return
    now = clock.now()
    for entry in entries_of(uow, batch.id):
        entry.dropped_at = now
    uow.flush()


def conclude_batch(uow: UnitOfWork, batch_id: UUID) -> None:
    """Bring a batch that went out to where its payouts are: settled when all were paid, failed when none was.

    Locks: the batch.
    """
    batch = _lock(uow, batch_id)
    uow.flush()
    states = set(
        uow.session.scalars(
            select(Payout.state)
            .join(PayoutBatchEntry, PayoutBatchEntry.payout_id == Payout.id)
            .where(PayoutBatchEntry.batch_id == batch_id, PayoutBatchEntry.dropped_at.is_(None))
        )
    )
    if not states <= {"paid", "failed", "returned"}:
        return
    target = "settled" if states == {"paid"} else "partly" if "paid" in states else "failed"
    PAYOUT_BATCH.move(uow, batch, target, org_ids=[])


def entries_of(uow: UnitOfWork, batch_id: UUID) -> list[PayoutBatchEntry]:
    """The entries of a batch that were not dropped, in the order of its file."""
    statement = (
        select(PayoutBatchEntry)
        .where(PayoutBatchEntry.batch_id == batch_id, PayoutBatchEntry.dropped_at.is_(None))
        .order_by(PayoutBatchEntry.id)
    )
    return list(uow.session.scalars(statement))


def _lock(uow: UnitOfWork, batch_id: UUID) -> PayoutBatch:
    batch = lock_row(uow.session, PayoutBatch, batch_id)
    if batch is None:
        raise NotFound("payout_batch_not_found")
    return batch


def _involved(uow: UnitOfWork, batch: PayoutBatch) -> set[UUID | None]:
    accounts = uow.session.execute(
        select(PayoutAccount.added_by, PayoutAccount.name_confirmed_by)
        .join(PayoutBatchEntry, PayoutBatchEntry.account_id == PayoutAccount.id)
        .where(PayoutBatchEntry.batch_id == batch.id, PayoutBatchEntry.dropped_at.is_(None))
    )
    return {batch.drafted_by, *(person for row in accounts for person in row)}


def _lock_fresh(uow: UnitOfWork, batch: PayoutBatch) -> list[Payout]:
    """The payouts of a batch, none of which has become one that must not be sent."""
    entries = entries_of(uow, batch.id)
    payouts = lock_rows(uow.session, Payout, [entry.payout_id for entry in entries])
    # Whoever replaces an account locks it first: from here on none of these is replaced before this is committed.
    lock_rows(uow.session, PayoutAccount, [entry.account_id for entry in entries])
    stale = stale_payouts(uow, payouts)
    if stale:
        raise Conflict("payout_batch_stale", count=len(stale))
    return payouts
