"""Close the period of the parties that have something to settle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, any_, bindparam, insert, select, union
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute

from billing.charges.models import Charge
from billing.disputes.queries import in_dispute
from billing.invoices.number_series import take_number
from billing.payouts.models import Payout
from billing.payouts.pay_out import PARTY_LOCK
from billing.settlement.commission_invoice import invoice_commission
from billing.settlement.reconcile import difference_minor
from billing.shares.models import SHARE, Share, ShareReversal
from billing.shares.release import release_all
from billing.statements.lines import Entry, SettledShare, reversal, sale
from billing.statements.models import STATEMENT, Statement, StatementAdjustment, StatementLine
from kernel import clock
from kernel.db.locks import advisory_xact_lock, lock_rows
from kernel.db.uow import Transact, UnitOfWork
from kernel.errors import Conflict, DomainError, Invalid
from kernel.events import Event
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.states import state_in
from marketplace.catalog.selling_model import RESELLER
from marketplace.parties.models import PLATFORM_ORG_ID

SETTLED = ("in_statement", "paid")
"""States of a share that a statement has settled: what is taken back afterwards is a line of the next one."""
ENTRY_COLUMNS = tuple(field.name for field in fields(Entry))
"""Read one by one: `asdict` copies every value deeply, which costs more than inserting it."""


@dataclass(frozen=True, slots=True)
class CloseStatement:
    """Close the period of one party in one currency up to `until` (excluded)."""

    org_id: UUID
    currency: str
    until: datetime


@dataclass(frozen=True, slots=True)
class CloseStatements:
    """Close up to `until` (excluded); for one party, or for all."""

    until: datetime
    org_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class RefusedStatement:
    """A party whose period did not close, and why."""

    org_id: UUID
    currency: str
    error: DomainError


@dataclass(frozen=True, slots=True)
class Closed:
    """What became of the parties that had something to settle."""

    statement_ids: tuple[UUID, ...]
    refused: tuple[RefusedStatement, ...]


def close_statements(transact: Transact, command: CloseStatements) -> Closed:
    """Close the period of every party that has something to settle, each in a unit of work of its own.

    A party that is refused holds up nobody else.

    Raises:
        Forbidden: `permission_missing` without operator.payouts.
        Invalid: `statement_in_future`.
    """
    ids, refused = [], []
    for party in release_and_list(transact, command):
        try:
            statement_id = transact(partial(close_statement, command=party))
        except DomainError as error:
            refused.append(RefusedStatement(party.org_id, party.currency, error))
        else:
            ids += [statement_id] if statement_id is not None else []
    return Closed(tuple(ids), tuple(refused))


def release_and_list(transact: Transact, command: CloseStatements) -> list[CloseStatement]:
    """Release what was due before the end of the period; answers who then has something to settle.

    Raises:
        Forbidden, Invalid: as `close_statements`.
    """
    transact(lambda uow: _check(uow, command.until))
    release_all(transact, command.until)
    return transact(lambda uow: _parties(uow, command))


def close_statement(uow: UnitOfWork, command: CloseStatement) -> UUID | None:
    """Freeze what a party earned since its last statement: shares whose hold is over, and refunds of settled ones.

    A net that is not positive is carried into the next statement. The seller's commission is invoiced by the platform.
    Returns the new statement's id; None when there is nothing to settle.

    Raises:
        Forbidden: `permission_missing` without operator.payouts.
        Invalid: `statement_in_future`.
        Conflict: `statement_does_not_reconcile`, the party's shares and its ledger account differ.

    Emits: StatementClosed; later InvoiceIssued for the commission.
    Locks: the party's settlement, its shares and the commission of its sales by id, the statement series.
    Idempotent by: party, currency and end of period.
    """
    org_id, currency, until = command.org_id, command.currency, command.until
    _check(uow, until)
    advisory_xact_lock(uow.session, PARTY_LOCK, org_id)
    last = uow.session.scalars(
        select(Statement)
        .where(Statement.org_id == org_id, Statement.currency == currency)
        .order_by(Statement.ends_at.desc())
        .limit(1)
    ).first()
    if last is not None and last.ends_at >= until:
        return None
    shares, commissions = _lock_shares(uow, command)
    reversals = _reversals(uow, command, {share.id for share in shares})
    entries = _entries(uow, shares, reversals)
    adjustments = _lock_adjustments(uow, command)
    if not entries and not adjustments:
        return None
    difference = difference_minor(uow, org_id, currency)
    if difference:
        raise Conflict("statement_does_not_reconcile", org_id=org_id, difference_minor=difference)
    # What a payout left unpaid follows a statement.
    starts_at = last.ends_at if last else min(entry.occurred_at for entry in entries)
    carried_minor = last.net_minor if last is not None and last.state == "carried" else 0
    adjustments_minor = sum(one.amount_minor for one in adjustments)
    statement = _insert(uow, command, starts_at, carried_minor, entries, adjustments_minor)
    for one in adjustments:
        one.statement_id = statement.id
    _settle(uow, statement, [*shares, *commissions], reversals)
    if statement.net_minor <= 0:
        STATEMENT.move(uow, statement, "carried", org_ids=[org_id], reason="nothing_to_pay")
    uow.flush()
    invoice_commission(uow, statement)
    emit(
        uow,
        StatementClosed(
            statement_id=statement.id, org_id=org_id, net_minor=statement.net_minor, currency=statement.currency
        ),
    )
    return statement.id


def _check(uow: UnitOfWork, until: datetime) -> None:
    uow.principal.require("operator.payouts")
    if until > clock.now():
        raise Invalid("statement_in_future", field="until")


def _parties(uow: UnitOfWork, command: CloseStatements) -> list[CloseStatement]:
    earned = select(Share.org_id, Share.currency).where(
        state_in(Share.state, "releasable"), Share.kind != "commission", Share.releasable_at < command.until
    )
    taken_back = (
        select(ShareReversal.org_id, ShareReversal.currency)
        .join(Share, Share.id == ShareReversal.share_id)
        .where(ShareReversal.statement_id.is_(None), ShareReversal.created_at < command.until)
        .where(Share.kind != "commission", Share.state.in_(SETTLED))
    )
    left_unpaid = _left_unpaid(command.until, StatementAdjustment.org_id, StatementAdjustment.currency)
    every: Any = union(earned, taken_back, left_unpaid)
    rows = uow.session.execute(every).all()
    return [
        CloseStatement(org_id, currency, command.until)
        for org_id, currency in sorted((row[0], row[1]) for row in rows)
        if command.org_id in {None, org_id}
    ]


def _lock_shares(uow: UnitOfWork, command: CloseStatement) -> tuple[list[SettledShare], list[SettledShare]]:
    """Releasable shares of the party, and the platform's commission of its sales, which is settled with them.

    Lines with a refund under way wait for its outcome, and those in dispute for the bank's. A month has very many: they are
    named by one array in each statement, and no object is made of any.
    """
    own = (Share.org_id == command.org_id) & (Share.kind != "commission")
    of_its_sales = (Share.seller_org_id == command.org_id) & (Share.kind == "commission")
    ids = uow.session.scalars(
        select(Share.id)
        .join(Charge, Charge.id == Share.charge_id)
        .where(
            own | of_its_sales,
            Share.currency == command.currency,
            state_in(Share.state, "releasable"),
            Share.releasable_at < command.until,
            Charge.reserved_minor == Charge.refunded_minor,
            ~in_dispute(Share.group_reference, Share.reference),
        )
    ).all()
    found = uow.session.execute(
        select(*(getattr(Share, name) for name in SettledShare.__dataclass_fields__))
        .where(_is_one_of(Share.id, ids), state_in(Share.state, "releasable"))
        .order_by(Share.id)
        .with_for_update(key_share=True)
    )
    locked = [SettledShare(*row) for row in found]
    # A dispute may have been opened while the lock was waited for.
    disputed = set(
        uow.session.scalars(
            select(Share.id).where(_is_one_of(Share.id, ids), in_dispute(Share.group_reference, Share.reference))
        )
    )
    locked = [share for share in locked if share.id not in disputed]
    shares = [share for share in locked if share.kind != "commission"]
    sold = {share.charge_id for share in shares if share.kind == "seller"}
    return shares, [share for share in locked if share.kind == "commission" and share.charge_id in sold]


def _lock_adjustments(uow: UnitOfWork, command: CloseStatement) -> list[StatementAdjustment]:
    """What payouts of the party left unpaid, and no bank is deciding about any more."""
    ids = uow.session.scalars(
        _left_unpaid(command.until, StatementAdjustment.id).where(
            StatementAdjustment.org_id == command.org_id, StatementAdjustment.currency == command.currency
        )
    ).all()
    return lock_rows(uow.session, StatementAdjustment, ids)


def _left_unpaid(until: datetime, *columns: InstrumentedAttribute[Any]) -> Select[Any]:
    return (
        select(*columns)
        .join(Payout, Payout.id == StatementAdjustment.payout_id)
        .outerjoin(Share, Share.id == StatementAdjustment.share_id)
        .where(
            StatementAdjustment.statement_id.is_(None),
            StatementAdjustment.created_at < until,
            Payout.state == "paid",
            StatementAdjustment.share_id.is_(None) | ~in_dispute(Share.group_reference, Share.reference),
        )
    )


def _reversals(uow: UnitOfWork, command: CloseStatement, settling: set[UUID]) -> list[tuple[Share, ShareReversal]]:
    """What was taken back of shares settled before; and of those settled now, so that they are settled with what is left."""
    rows = uow.session.execute(
        select(Share, ShareReversal)
        .join(ShareReversal, ShareReversal.share_id == Share.id)
        .where(
            ShareReversal.org_id == command.org_id,
            ShareReversal.currency == command.currency,
            ShareReversal.statement_id.is_(None),
            Share.kind != "commission",
            _is_one_of(Share.id, settling) | (Share.state.in_(SETTLED) & (ShareReversal.created_at < command.until)),
        )
        .order_by(ShareReversal.created_at, ShareReversal.id)
    )
    return [(share, own) for share, own in rows]


def _entries(
    uow: UnitOfWork, shares: Sequence[SettledShare], reversals: Sequence[tuple[Share, ShareReversal]]
) -> list[Entry]:
    """The lines of the statement: sales, then what was taken back; a seller's with what the others got of them."""
    others: defaultdict[UUID, dict[str, int]] = defaultdict(dict)
    resold: set[UUID] = set()
    for charge_id, kind, minor, model in uow.session.execute(
        select(Share.charge_id, Share.kind, Share.amount_minor, Charge.selling_model)
        .join(Charge, Charge.id == Share.charge_id)
        .where(_is_one_of(Share.charge_id, {share.charge_id for share in shares}), Share.kind != "seller")
    ):
        others[charge_id][kind] = minor
        if model == RESELLER:
            resold.add(charge_id)
    others_back: defaultdict[tuple[UUID, UUID], dict[str, int]] = defaultdict(dict)
    for refund_id, charge_id, kind, minor, model in uow.session.execute(
        select(ShareReversal.refund_id, Share.charge_id, Share.kind, ShareReversal.amount_minor, Charge.selling_model)
        .join(Share, Share.id == ShareReversal.share_id)
        .join(Charge, Charge.id == Share.charge_id)
        .where(_is_one_of(ShareReversal.refund_id, {own.refund_id for _, own in reversals}), Share.kind != "seller")
    ):
        others_back[refund_id, charge_id][kind] = minor
        if model == RESELLER:
            resold.add(charge_id)
    sales = [sale(share, others[share.charge_id], resold=share.charge_id in resold) for share in shares]
    return sales + [
        reversal(share, own, others_back[own.refund_id, share.charge_id], resold=share.charge_id in resold)
        for share, own in reversals
    ]


def _insert(
    uow: UnitOfWork,
    command: CloseStatement,
    starts_at: datetime,
    carried_minor: int,
    entries: Sequence[Entry],
    adjustments_minor: int,
) -> Statement:
    totals = {
        column: sum(getattr(entry, column) for entry in entries)
        for column in ("gross_minor", "refunds_minor", "commission_minor", "promoter_minor")
    }
    statement = Statement(
        id=uuid7(),
        org_id=command.org_id,
        number=take_number(uow, PLATFORM_ORG_ID, "statement").number,
        currency=command.currency,
        starts_at=starts_at,
        ends_at=command.until,
        carried_minor=carried_minor,
        commission_tax_minor=0,
        adjustments_minor=adjustments_minor,
        net_minor=carried_minor + sum(entry.net_minor for entry in entries) + adjustments_minor,
        closed_at=clock.now(),
        **totals,
    )
    STATEMENT.begin(uow, statement, org_ids=[statement.org_id])
    uow.session.add(statement)
    uow.flush()
    same = {
        "org_id": statement.org_id,
        "statement_id": statement.id,
        "currency": statement.currency,
        "adjustments_minor": 0,
        "created_at": statement.closed_at,
    }
    if entries:
        lines: Any = StatementLine.__table__
        uow.session.connection().execute(
            insert(lines),
            [
                {"id": uuid7(), **same, **{column: getattr(entry, column) for column in ENTRY_COLUMNS}}
                for entry in entries
            ],
        )
    return statement


def _settle(
    uow: UnitOfWork,
    statement: Statement,
    shares: Sequence[SettledShare],
    reversals: Sequence[tuple[Share, ShareReversal]],
) -> None:
    whose = {share.id: sorted({share.org_id, share.seller_org_id}) for share in shares}
    SHARE.move_rows(uow, Share, whose, "releasable", "in_statement", statement_id=statement.id)
    for share, own in reversals:
        own.statement_id = statement.id
        # It may be one of those that were moved past the session.
        uow.session.expire(share)
    uow.flush()


def _is_one_of(column: InstrumentedAttribute[UUID], ids: Collection[UUID]) -> ColumnElement[bool]:
    """One parameter however many they are: a statement takes 65,535."""
    return column == any_(bindparam(None, list(ids), type_=ARRAY(Uuid)))


class StatementClosed(Event):
    """A party's period is closed and frozen."""

    topic: ClassVar[str] = "billing.statement_closed.v1"
    statement_id: UUID
    org_id: UUID
    net_minor: int
    currency: str
