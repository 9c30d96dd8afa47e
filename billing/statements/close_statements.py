"""Close the period of every party that has something to settle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, union

from billing.charges.models import Charge
from billing.invoices.number_series import take_number
from billing.payouts.pay_out import PARTY_LOCK
from billing.shares.models import Share, ShareReversal
from billing.shares.release import release_due
from billing.shares.states import SHARE
from billing.statements.commission_invoice import invoice_commission
from billing.statements.events import StatementClosed
from billing.statements.lines import Entry, reversal, sale
from billing.statements.models import Statement, StatementLine
from billing.statements.reconcile import difference_minor
from billing.statements.states import STATEMENT
from kernel import clock
from kernel.db.locks import advisory_xact_lock, lock_rows
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid
from kernel.ids import uuid7
from marketplace.organizations.models import PLATFORM_ORG_ID


@dataclass(frozen=True, slots=True)
class CloseStatements:
    """Close up to `until` (excluded); for one party, or for all."""

    until: datetime
    org_id: UUID | None = None


def close_statements(uow: UnitOfWork, command: CloseStatements) -> list[UUID]:
    """Freeze what each party earned since its last statement: shares whose hold is over, and refunds of settled ones.

    A net that is not positive is carried into the next statement. The seller's commission is invoiced by the platform.
    Returns the new statements' ids; a party without anything to settle gets none.

    Raises:
        Forbidden: `permission_missing` without operator.payouts.
        Invalid: `statement_in_future`.
        Conflict: `statement_does_not_reconcile`, a party's shares and its ledger account differ; nothing was closed.

    Emits: StatementClosed per statement; later InvoiceIssued for the commission.
    Locks: per party its settlement, its shares by id; the statement series last.
    Idempotent by: party, currency and end of period.
    """
    uow.principal.require("operator.payouts")
    if command.until > clock.now():
        raise Invalid("statement_in_future", field="until")
    while release_due(uow, command.until):
        pass
    closed = []
    for org_id, currency in _parties(uow, command):
        statement = _close(uow, org_id, currency, command.until)
        if statement is not None:
            closed.append(statement.id)
    return closed


def _parties(uow: UnitOfWork, command: CloseStatements) -> list[tuple[UUID, str]]:
    earned = select(Share.org_id, Share.currency).where(
        Share.state == "releasable", Share.kind != "commission", Share.releasable_at < command.until
    )
    taken_back = (
        select(ShareReversal.org_id, ShareReversal.currency)
        .join(Share, Share.id == ShareReversal.share_id)
        .where(ShareReversal.statement_id.is_(None), Share.state.in_(("in_statement", "paid")))
        .where(Share.kind != "commission")
    )
    rows = uow.session.execute(union(earned, taken_back)).all()
    # In one order for everybody, so that two closings cannot wait for each other.
    return sorted({(row[0], row[1]) for row in rows if command.org_id in {None, row[0]}})


def _close(uow: UnitOfWork, org_id: UUID, currency: str, until: datetime) -> Statement | None:
    advisory_xact_lock(uow.session, PARTY_LOCK, org_id)
    last = uow.session.scalars(
        select(Statement)
        .where(Statement.org_id == org_id, Statement.currency == currency)
        .order_by(Statement.ends_at.desc())
        .limit(1)
    ).first()
    if last is not None and last.ends_at >= until:
        return None
    shares = _shares(uow, org_id, currency, until)
    reversals = _reversals(uow, org_id, currency, {share.id for share in shares})
    entries = [sale(share, _siblings(uow, share)) for share in shares]
    entries += [reversal(share, own, _reversed_siblings(uow, share, own)) for share, own in reversals]
    if not entries:
        return None
    difference = difference_minor(uow, org_id, currency)
    if difference:
        raise Conflict("statement_does_not_reconcile", org_id=org_id, difference_minor=difference)
    starts_at = last.ends_at if last else min(entry.occurred_at for entry in entries)
    carried_minor = last.net_minor if last is not None and last.state == "carried" else 0
    statement = _insert(uow, org_id, currency, (starts_at, until), carried_minor, entries)
    _settle(uow, statement, shares, [own for _, own in reversals])
    if statement.net_minor <= 0:
        STATEMENT.move(uow, statement, "carried", org_ids=[org_id], reason="nothing_to_pay")
    uow.flush()
    invoice_commission(uow, statement)
    uow.emit(
        StatementClosed(
            statement_id=statement.id, org_id=org_id, net_minor=statement.net_minor, currency=statement.currency
        )
    )
    return statement


def _shares(uow: UnitOfWork, org_id: UUID, currency: str, until: datetime) -> list[Share]:
    """Releasable shares of the party, but for lines with a refund under way: those wait for its outcome."""
    ids = uow.session.scalars(
        select(Share.id)
        .join(Charge, Charge.id == Share.charge_id)
        .where(
            Share.org_id == org_id,
            Share.currency == currency,
            Share.kind != "commission",
            Share.state == "releasable",
            Share.releasable_at < until,
            Charge.reserved_minor == Charge.refunded_minor,
        )
    ).all()
    return [share for share in lock_rows(uow.session, Share, ids) if share.state == "releasable"]


def _reversals(uow: UnitOfWork, org_id: UUID, currency: str, settling: set[UUID]) -> list[tuple[Share, ShareReversal]]:
    rows = uow.session.execute(
        select(Share, ShareReversal)
        .join(ShareReversal, ShareReversal.share_id == Share.id)
        .where(
            ShareReversal.org_id == org_id,
            ShareReversal.currency == currency,
            ShareReversal.statement_id.is_(None),
            Share.kind != "commission",
        )
        .order_by(ShareReversal.created_at, ShareReversal.id)
    ).all()
    settled = {"in_statement", "paid"}
    return [(share, own) for share, own in rows if share.id in settling or share.state in settled]


def _siblings(uow: UnitOfWork, share: Share) -> list[Share]:
    statement = select(Share).where(Share.charge_id == share.charge_id, Share.id != share.id)
    return list(uow.session.scalars(statement))


def _reversed_siblings(uow: UnitOfWork, share: Share, own: ShareReversal) -> dict[str, ShareReversal]:
    rows = uow.session.execute(
        select(Share.kind, ShareReversal)
        .join(Share, Share.id == ShareReversal.share_id)
        .where(ShareReversal.refund_id == own.refund_id, Share.charge_id == share.charge_id, ShareReversal.id != own.id)
    )
    return {row[0]: row[1] for row in rows}


def _insert(
    uow: UnitOfWork,
    org_id: UUID,
    currency: str,
    period: tuple[datetime, datetime],
    carried_minor: int,
    entries: Sequence[Entry],
) -> Statement:
    totals = {
        column: sum(getattr(entry, column) for entry in entries)
        for column in ("gross_minor", "refunds_minor", "commission_minor", "promoter_minor")
    }
    statement = Statement(
        id=uuid7(),
        org_id=org_id,
        number=take_number(uow, PLATFORM_ORG_ID, "statement").number,
        currency=currency,
        starts_at=period[0],
        ends_at=period[1],
        carried_minor=carried_minor,
        commission_tax_minor=0,
        adjustments_minor=0,
        net_minor=carried_minor + sum(entry.net_minor for entry in entries),
        closed_at=clock.now(),
        **totals,
    )
    STATEMENT.begin(uow, statement, org_ids=[org_id])
    uow.session.add(statement)
    uow.flush()
    uow.session.add_all(
        StatementLine(
            org_id=org_id,
            statement_id=statement.id,
            currency=currency,
            adjustments_minor=0,
            created_at=statement.closed_at,
            **asdict(entry),
        )
        for entry in entries
    )
    uow.flush()
    return statement


def _settle(uow: UnitOfWork, statement: Statement, shares: Sequence[Share], reversals: Sequence[ShareReversal]) -> None:
    """Mark what is in the statement; the platform's commission is settled with the seller's share of the line."""
    charges = [share.charge_id for share in shares if share.kind == "seller"]
    commissions = uow.session.scalars(
        select(Share.id).where(Share.charge_id.in_(charges), Share.kind == "commission", Share.state == "releasable")
    ).all()
    for share in [*shares, *lock_rows(uow.session, Share, commissions)]:
        share.statement_id = statement.id
        SHARE.move(uow, share, "in_statement", org_ids=sorted({share.org_id, share.seller_org_id}))
    for own in reversals:
        own.statement_id = statement.id
    uow.flush()
