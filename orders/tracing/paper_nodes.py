"""What a buyer was sent or had drawn: requests for transfers, reminders and letters, receipts and pro-forma invoices.

They are the payer's and the platform's: a seller is told of what it waits for by itself (`awaited_nodes`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import and_, select

from billing.bank.models import BankTransfer
from billing.credit_lines.models import ON_ACCOUNT
from billing.on_account.models import DunningNotice
from billing.on_account.steps import LAST
from billing.payments.models import Payment, PaymentAllocation
from kernel.db.uow import UnitOfWork
from orders.awaited_payments import awaited_of
from orders.checkout.models import Purchase
from orders.checkout.quote_models import Quote
from orders.order.models import Order
from orders.papers.models import SalePaper
from orders.tracing.model import Node
from orders.tracing.resolve import mine

KINDS: Final = ("receipt", "purchase_pro_forma", "quote_pro_forma")
"""What is drawn of a payment, a purchase or its quote."""


def paper_nodes(uow: UnitOfWork, order_ids: Sequence[UUID]) -> Iterator[Node]:
    """The papers of these orders that the principal may see, each with when, which and to whom it was made out."""
    paid = select(PaymentAllocation.payment_id).where(PaymentAllocation.reference.in_(order_ids))
    own = select(Payment.id, Payment.reference).where(Payment.id.in_(paid), mine(uow, Payment.payer_org_id))
    payments = {row.id: row.reference for row in uow.session.execute(own)}
    if payments:
        yield from _transfer_nodes(uow, list(payments))
    yield from _drawn_nodes(uow, order_ids, payments)


def awaited_nodes(uow: UnitOfWork, order_ids: Sequence[UUID]) -> Iterator[Node]:
    """To their seller: since when and until when a purchase on account waits for its buyer's payment."""
    for order_id, one in awaited_of(uow, order_ids).items():
        facts = {"pay_by": one.due_at.isoformat(), "days_overdue": one.days_overdue}
        yield Node("awaited_payment", one.id, one.since, one.state, facts=facts, after=(order_id,))


def _transfer_nodes(uow: UnitOfWork, payment_ids: Sequence[UUID]) -> Iterator[Node]:
    transfers = uow.session.scalars(
        select(BankTransfer)
        # Both columns of the index, for the platform, too.
        .join(Payment, and_(Payment.payer_org_id == BankTransfer.payer_org_id, Payment.id == BankTransfer.payment_id))
        .where(Payment.id.in_(payment_ids), mine(uow, BankTransfer.payer_org_id))
    ).all()
    to = {one.id: one.payer_name for one in transfers}
    for t in transfers:
        facts: dict[str, object] = {
            "amount": {"amount": t.amount_minor, "currency": t.currency.strip()},
            "remark_code": t.remark_code,
            "to": t.payer_name,
            "pay_by": t.deadline_at.isoformat(),
            "on_account": t.gateway == ON_ACCOUNT,
            "buyer_id": str(t.payer_org_id),
            "subject_id": str(t.payment_id),
            "languages": sorted(t.files),
        }
        yield Node("payment_request", t.id, t.created_at, t.state, facts=facts, after=(t.payment_id,))
    if not to:
        return
    letters = select(DunningNotice).where(
        DunningNotice.transfer_id.in_(list(to)), mine(uow, DunningNotice.payer_org_id)
    )
    for n in uow.session.scalars(letters.order_by(DunningNotice.created_at, DunningNotice.id)):
        facts = {
            "owed": {"amount": n.owed_minor, "currency": n.currency.strip()},
            "days": n.days,
            "to": to[n.transfer_id],
            "pay_by": n.due_at.isoformat(),
            "buyer_id": str(n.payer_org_id),
            "languages": sorted(n.files),
        }
        kind = "reminder" if n.days < 0 else "last_letter" if n.days == LAST else "letter"
        yield Node("dunning_notice", n.id, n.created_at, kind, facts=facts, after=(n.transfer_id,))


def _drawn_nodes(uow: UnitOfWork, order_ids: Sequence[UUID], payments: Mapping[UUID, UUID]) -> Iterator[Node]:
    """Receipts of the payments, pro-forma invoices of the purchases and of their quotes: as often as there are languages."""
    bought = uow.session.execute(
        select(Purchase, Quote)
        .join(Order, Order.purchase_id == Purchase.id)
        .join(Quote, Quote.id == Purchase.quote_id)
        .where(Order.id.in_(order_ids), mine(uow, Purchase.buyer_org_id))
    ).all()
    # A receipt is made out to whom its purchase is invoiced to.
    to = {row.Purchase.id: str(row.Purchase.billing_profile.get("legal_name", "")) for row in bought}
    to |= {row.Quote.id: str(row.Quote.invoice_party.get("legal_name", "")) for row in bought}
    to |= {payment_id: to.get(purchase_id, "") for payment_id, purchase_id in payments.items()}
    papers = select(SalePaper).where(
        SalePaper.kind.in_(KINDS), SalePaper.subject_id.in_(list(to)), mine(uow, SalePaper.buyer_org_id)
    )
    for p in uow.session.scalars(papers.order_by(SalePaper.created_at, SalePaper.id)):
        facts = {
            "paper": p.kind,
            "language": p.language,
            "to": to[p.subject_id],
            "buyer_id": str(p.buyer_org_id),
            "subject_id": str(p.subject_id),
            "languages": [p.language] if p.file_key else [],
        }
        state = "drawn" if p.drawn_at else "drawing"
        yield Node("sale_paper", p.id, p.drawn_at or p.created_at, state, p.number, p.number, facts, (p.subject_id,))
