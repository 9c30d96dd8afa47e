"""What both sides are told of documents and refunds, and parties of statements and payouts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from billing.disputes.models import DISPUTE, Dispute, DisputePart
from billing.invoices.models import INVOICE, Invoice
from billing.payouts.models import PAYOUT, Payout
from billing.refunds.models import REFUND, Refund
from billing.statements.models import STATEMENT, Statement
from kernel.db.uow import UnitOfWork
from orders.outgoing_events.event_data import (
    DisputeData,
    InvoiceData,
    MoneyData,
    PartyData,
    PayoutData,
    RefundCaseData,
    RefundData,
    StatementData,
)
from orders.outgoing_events.facts import Addressed, RecordedFact, tells_of_states
from orders.refunds.models import REFUND_CASE, RefundCase


def tell_invoices(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """Documents, once they have their number."""
    wanted = select(Invoice).where(Invoice.id.in_([fact.subject_id for fact in facts]))
    found = {row.id: row for row in uow.session.scalars(wanted)}
    for fact in facts:
        row = found[fact.subject_id]
        data = InvoiceData(
            invoice_id=row.id,
            kind=row.kind,
            number=row.number or "",
            issuer=PartyData(id=row.seller_org_id, name=row.seller["legal_name"]),
            recipient=PartyData(id=row.buyer_org_id, name=row.buyer["legal_name"]),
            reference=row.reference,
            month=row.month,
            original_invoice_id=row.original_invoice_id,
            issued_on=row.issued_on,
            net=_money(row.net_minor, row.currency),
            tax=_money(row.tax_minor, row.currency),
            gross=_money(row.gross_minor, row.currency),
        )
        yield Addressed(fact, row.buyer_org_id, data)
        yield Addressed(fact, row.seller_org_id, data)


def tell_refunds(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """Money on its way back."""
    wanted = select(Refund).where(Refund.id.in_([fact.subject_id for fact in facts]))
    found = {row.id: row for row in uow.session.scalars(wanted)}
    for fact in facts:
        row = found[fact.subject_id]
        if fact.type == "refund.requested" and row.held_at is not None and fact.at > row.held_at:
            # It waited, and goes on: that it was asked for was told then.
            continue
        data = RefundData(
            refund_id=row.id,
            order_id=row.reference,
            amount=_money(row.amount_minor, row.currency),
            credit=_money(row.credit_minor, row.currency),
            automatic=row.automatic,
            error_code=row.error_code,
        )
        yield Addressed(fact, row.buyer_org_id, data)
        yield Addressed(fact, row.seller_org_id, data)


def tell_refund_cases(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """Money that is asked back: both sides, the same."""
    wanted = select(RefundCase).where(RefundCase.id.in_([fact.subject_id for fact in facts]))
    found = {row.id: row for row in uow.session.scalars(wanted)}
    for fact in facts:
        row = found[fact.subject_id]
        data = RefundCaseData(
            refund_case_id=row.id,
            order_id=row.order_id,
            buyer_id=row.buyer_org_id,
            seller_id=row.seller_org_id,
            asked=_money(row.asked_minor, row.currency),
            offered=None if row.offered_minor is None else _money(row.offered_minor, row.currency),
            as_credit=row.as_credit,
            granted=None if row.granted_minor is None else _money(row.granted_minor, row.currency),
            refund_id=row.refund_id,
            deadline_at=row.deadline_at,
            reason=row.reason,
            answer=row.answer,
            appeal=row.appeal,
            decision=row.decision,
        )
        yield Addressed(fact, row.buyer_org_id, data)
        yield Addressed(fact, row.seller_org_id, data)


def tell_disputes(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """Disputed payments: the payer the whole, each seller its own orders."""
    ids = [fact.subject_id for fact in facts]
    found = {row.id: row for row in uow.session.scalars(select(Dispute).where(Dispute.id.in_(ids)))}
    parts = uow.session.scalars(
        select(DisputePart).where(DisputePart.dispute_id.in_(ids)).order_by(DisputePart.created_at, DisputePart.id)
    ).all()
    for fact in facts:
        row = found[fact.subject_id]
        about = [part for part in parts if part.dispute_id == row.id]
        yield Addressed(fact, row.payer_org_id, _disputed(row, about))
        for org_id in row.seller_org_ids:
            yield Addressed(fact, org_id, _disputed(row, [part for part in about if part.seller_org_id == org_id]))


def _disputed(row: Dispute, parts: Sequence[DisputePart]) -> DisputeData:
    return DisputeData(
        dispute_id=row.id,
        order_ids=list(dict.fromkeys(part.reference for part in parts)),
        amount=_money(sum(part.amount_minor for part in parts), row.currency),
        reason=row.reason,
        answer_by=row.answer_by,
    )


def tell_statements(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """The party that earned it, and nobody else."""
    wanted = select(Statement).where(Statement.id.in_([fact.subject_id for fact in facts]))
    found = {row.id: row for row in uow.session.scalars(wanted)}
    for fact in facts:
        row = found[fact.subject_id]
        data = StatementData(
            statement_id=row.id,
            number=row.number,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            gross=_money(row.gross_minor, row.currency),
            refunds=_money(row.refunds_minor, row.currency),
            commission=_money(row.commission_minor, row.currency),
            net=_money(row.net_minor, row.currency),
        )
        yield Addressed(fact, row.org_id, data)


def tell_payouts(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """The party that is paid, and nobody else."""
    wanted = select(Payout).where(Payout.id.in_([fact.subject_id for fact in facts]))
    found = {row.id: row for row in uow.session.scalars(wanted)}
    for fact in facts:
        row = found[fact.subject_id]
        data = PayoutData(
            payout_id=row.id,
            statement_id=row.statement_id,
            amount=_money(row.amount_minor, row.currency),
            error_code=row.error_code,
        )
        yield Addressed(fact, row.org_id, data)


def _money(amount_minor: int, currency: str) -> MoneyData:
    return MoneyData(amount=amount_minor, currency=currency)


tells_of_states(INVOICE, tell_invoices, issued="invoice.issued")
tells_of_states(
    REFUND,
    tell_refunds,
    requested="refund.requested",
    held="refund.held",
    succeeded="refund.succeeded",
    failed="refund.failed",
    returned="refund.returned",
)
tells_of_states(REFUND_CASE, tell_refund_cases, **{state: f"refund_case.{state}" for state in REFUND_CASE.states})
tells_of_states(STATEMENT, tell_statements, began_closed="statement.closed")
tells_of_states(PAYOUT, tell_payouts, paid="payout.sent", failed="payout.failed", returned="payout.returned")
tells_of_states(DISPUTE, tell_disputes, began_open="dispute.opened", won="dispute.won", lost="dispute.lost")
