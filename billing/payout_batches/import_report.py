"""What a bank says of transfers becomes what we know of payouts: paid, failed or returned, each with its line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import select

from billing.gateways.ports import GatewayAnswer, GatewayStatus
from billing.gateways.result import ApplyOutcome, GatewayResult
from billing.payout_batches.decide_batch import conclude_batch
from billing.payout_batches.models import PayoutBatch, PayoutBatchEntry, PayoutReport, PayoutReportLine
from billing.payout_batches.read_report import BankReport, ReportedTransfer, ReportKind, Says, read_report
from billing.payouts.apply_gateway_result import apply_gateway_result
from billing.payouts.models import Payout
from kernel import audit, clock
from kernel.db.locks import lock_rows
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.money import Money

Outcome = Literal["applied", "known", "not_ours", "not_sent", "amount_differs", "contradicts", "pending"]
ACTS: Final = ("applied", "contradicts")
"""Outcomes of lines that say something that was not known."""
UNKNOWN_REASON: Final = "bank_gave_no_reason"


@dataclass(frozen=True, slots=True)
class ImportPayoutReport:
    """A bank's file. `dry_run`: say what would follow, and change nothing."""

    file_name: str
    content: bytes
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class ImportedLine:
    """What the file says of one transfer, and what followed."""

    position: int
    payout_id: UUID | None
    org_id: UUID | None
    end_to_end_id: str
    says: Says
    reason: str
    reference: str
    amount: Money | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class ImportedReport:
    """A file with its lines. `report_id` None: it was a dry run. `is_new` False: the same file was imported before."""

    report_id: UUID | None
    kind: ReportKind
    message_id: str
    is_new: bool
    lines: tuple[ImportedLine, ...]


def import_report(uow: UnitOfWork, command: ImportPayoutReport) -> ImportedReport:
    """Take a bank's file: all of it, or nothing.

    Each line is about a payout of ours that went out, with its amount, or it changes nothing and says why. What a bank
    says after it said otherwise follows the rules of `apply_gateway_result`: money that comes back is the party's again.

    Raises:
        Forbidden: `permission_missing` without operator.payouts.
        Invalid: `bank_report_unreadable`.
        Conflict: `payout_report_known`: somebody else imports the same file at this moment.

    Emits: PayoutPaid, PayoutFailed, PayoutReturned.
    Locks: the payouts by id, then as `apply_gateway_result`; their batches.
    Idempotent by: the file's bytes, and each payout's state.
    """
    uow.principal.require("operator.payouts")
    report = read_report(command.content)
    sha256 = hashlib.sha256(command.content).hexdigest()
    before = uow.session.scalar(select(PayoutReport.id).where(PayoutReport.sha256 == sha256))
    wanted = [(position, one) for position, one in enumerate(_each(uow, report), start=1)]
    payouts = _lock_payouts(uow, [one for _, one in wanted])
    states = {payout.id: payout.state for payout in payouts.values()}
    lines = [_judge(position, one, payouts.get(one.end_to_end_id), states) for position, one in wanted]
    if command.dry_run or before is not None:
        return ImportedReport(before, report.kind, report.message_id, before is None, tuple(lines))
    row = PayoutReport(
        id=uuid7(),
        kind=report.kind,
        message_id=report.message_id,
        file_name=command.file_name[:200],
        sha256=sha256,
        imported_by=str(uow.principal.person_id or uow.principal.label),
        created_at=clock.now(),
    )
    uow.session.add(row)
    uow.flush()
    lines = [_apply(uow, payouts[line.end_to_end_id], line) if line.outcome in ACTS else line for line in lines]
    uow.session.add_all(_stored(row, line) for line in lines)
    uow.flush()
    for batch_id in _batches_of(uow, [line.payout_id for line in lines if line.payout_id is not None]):
        conclude_batch(uow, batch_id)
    audit.record(uow, "payout_report.imported", subject_id=row.id, lines=len(lines))
    return ImportedReport(row.id, report.kind, report.message_id, True, tuple(lines))


def _each(uow: UnitOfWork, report: BankReport) -> Iterator[ReportedTransfer]:
    """Its lines; of one that speaks of a whole file, a line for every transfer of it."""
    for one in report.transfers:
        batch = _find_batch(uow, one.message_id) if not one.end_to_end_id else None
        if batch is None:
            yield replace(one, end_to_end_id=one.end_to_end_id or one.message_id or "-")
            continue
        entries = uow.session.scalars(
            select(PayoutBatchEntry)
            .where(PayoutBatchEntry.batch_id == batch.id, PayoutBatchEntry.dropped_at.is_(None))
            .order_by(PayoutBatchEntry.id)
        ).all()
        is_whole = one.amount == Money(batch.control_sum_minor, batch.currency) if one.has_amount else True
        for entry in entries:
            amount = Money(entry.amount_minor, entry.currency) if is_whole else None
            yield replace(one, end_to_end_id=entry.payout_id.hex, amount=amount, has_amount=True)


def _find_batch(uow: UnitOfWork, message_id: str) -> PayoutBatch | None:
    batch_id = _uuid(message_id)
    return uow.session.get(PayoutBatch, batch_id) if batch_id is not None else None


def _lock_payouts(uow: UnitOfWork, lines: Sequence[ReportedTransfer]) -> dict[str, Payout]:
    named = {one.end_to_end_id: _uuid(one.end_to_end_id) for one in lines}
    in_batches = select(PayoutBatchEntry.payout_id).where(
        PayoutBatchEntry.payout_id.in_({one for one in named.values() if one is not None}),
        PayoutBatchEntry.dropped_at.is_(None),
    )
    rows = lock_rows(uow.session, Payout, uow.session.scalars(in_batches).all())
    return {row.id.hex: row for row in rows}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(hex=text)
    except ValueError:
        return None


def _judge(position: int, one: ReportedTransfer, payout: Payout | None, states: dict[UUID, str]) -> ImportedLine:
    """What follows from a line; `states` are those after the lines before it."""
    line = ImportedLine(
        position, None, None, one.end_to_end_id, one.says, one.reason, one.reference, one.amount, "not_ours"
    )
    if payout is None:
        return line
    line = replace(line, payout_id=payout.id, org_id=payout.org_id)
    state, whole = states[payout.id], Money(payout.amount_minor, payout.currency)
    if state == "scheduled":
        return replace(line, outcome="not_sent")
    if one.says == "pending":
        return replace(line, outcome="pending")
    is_part = one.says == "returned" and state == "paid" and _is_part_of(one.amount, whole)
    if one.has_amount and one.amount != whole and not is_part:
        return replace(line, outcome="amount_differs")
    outcome: Outcome
    if one.says == "paid":
        outcome = "contradicts" if state == "failed" else "known" if state in {"paid", "returned"} else "applied"
        after = "paid"
    else:
        outcome = "known" if state in {"failed", "returned"} else "applied"
        after = "paid" if is_part else "returned" if state == "paid" else "failed"
    if outcome == "applied":
        states[payout.id] = after
    return replace(line, outcome=outcome)


def _is_part_of(amount: Money | None, whole: Money) -> bool:
    """Whether a bank sent less back than went out: it kept its charges."""
    return amount is not None and amount.currency == whole.currency and 0 < amount.amount_minor < whole.amount_minor


def _apply(uow: UnitOfWork, payout: Payout, line: ImportedLine) -> ImportedLine:
    """Believe a line; what was known all the same (a part that came back was told of before) is said to be."""
    whole = Money(payout.amount_minor, payout.currency)
    reference = line.reference or payout.gateway_reference or line.end_to_end_id
    if line.says == "paid":
        answer = GatewayAnswer(GatewayStatus.SUCCEEDED, reference, whole)
    elif line.says == "returned" and line.amount is not None and line.amount != whole:
        answer = GatewayAnswer(GatewayStatus.SUCCEEDED, reference, whole, returned_minor=line.amount.amount_minor)
    else:
        answer = GatewayAnswer(GatewayStatus.FAILED, reference, whole, error_code=failure_code(line.reason))
    applied = apply_gateway_result(uow, payout.id, GatewayResult(answer=answer))
    return replace(line, outcome="known") if applied is ApplyOutcome.NOTHING_NEW else line


def failure_code(reason: str) -> str:
    """What a payout keeps as the reason for which a bank did not make it: `bank_ac04` of AC04."""
    plain = "".join(one for one in reason.casefold() if one.isascii() and one.isalnum())
    return f"bank_{plain}" if plain else UNKNOWN_REASON


def _stored(report: PayoutReport, line: ImportedLine) -> PayoutReportLine:
    return PayoutReportLine(
        id=uuid7(),
        report_id=report.id,
        position=line.position,
        org_id=line.org_id,
        payout_id=line.payout_id,
        end_to_end_id=line.end_to_end_id,
        says=line.says,
        reason=line.reason,
        reference=line.reference,
        amount_minor=line.amount.amount_minor if line.amount else None,
        currency=line.amount.currency if line.amount else None,
        outcome=line.outcome,
    )


def _batches_of(uow: UnitOfWork, payout_ids: Sequence[UUID]) -> list[UUID]:
    """Batches that went out and hold one of these, by id."""
    statement = (
        select(PayoutBatchEntry.batch_id)
        .join(PayoutBatch, PayoutBatch.id == PayoutBatchEntry.batch_id)
        .where(
            PayoutBatchEntry.payout_id.in_(payout_ids),
            PayoutBatchEntry.dropped_at.is_(None),
            PayoutBatch.sent_at.is_not(None),
        )
        .distinct()
        .order_by(PayoutBatchEntry.batch_id)
    )
    return list(uow.session.scalars(statement))
