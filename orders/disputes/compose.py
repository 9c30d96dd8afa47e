"""What the bank is told unless the operator writes it otherwise: what was sold and delivered, what went back, what the sides say.

In English, which banks everywhere read; what the sides wrote stays in their words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from billing.disputes.models import Dispute, DisputePart
from billing.disputes.queries import parts_of
from billing.disputes.submit_evidence import MAX_DOCUMENTS, MAX_TEXT, EvidenceDocument
from billing.payments.models import Payment
from billing.refunds.models import Refund
from fulfillment.entitlements.models import Entitlement
from kernel.db.uow import UnitOfWork
from kernel.money import exponent
from orders.disputes.models import DisputeEvidence, DisputeStatement
from orders.order.models import Order, OrderLine


def compose_evidence(uow: UnitOfWork, dispute: Dispute) -> str:
    """The text for the bank, as things stand now. Of a length that the bank takes: what is too long is cut at the end."""
    payment = uow.session.get_one(Payment, dispute.payment_id)
    paragraphs = [_head(dispute, payment), _refunds(uow, dispute)]
    orders = _orders(uow, dispute)
    paragraphs += [_order(uow, order, parts) for order, parts in orders]
    names = {order.seller_org_id: order.seller_name for order, _ in orders}
    for said in statements_of(uow, dispute.id):
        if said.side == "buyer":
            who = "The payer withdraws the dispute, in these words:" if said.withdraws else "The payer tells us:"
        else:
            who = f"The seller, {names.get(said.org_id, 'one of them')}, tells us:"
        paragraphs.append(f"{who}\n{said.words}")
    text = "\n\n".join(one for one in paragraphs if one)
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def refunded_before(uow: UnitOfWork, dispute: Dispute) -> int:
    """How much of what is disputed had gone back by refunds that stayed, in minor units: of the orders that it is about."""
    orders = {part.reference for part in parts_of(uow, dispute.id)}
    return sum(one.amount_minor for one in _gone_back(uow, dispute) if one.reference in orders)


def statements_of(uow: UnitOfWork, dispute_id: UUID) -> Sequence[DisputeStatement]:
    """What the sides say, as far as the acting organization may read it; the first first."""
    return uow.session.scalars(
        select(DisputeStatement).where(DisputeStatement.dispute_id == dispute_id).order_by(DisputeStatement.id)
    ).all()


def documents_of(uow: UnitOfWork, dispute_id: UUID) -> list[EvidenceDocument]:
    """Everything that the sides show, the first first."""
    rows = uow.session.scalars(
        select(DisputeEvidence).where(DisputeEvidence.dispute_id == dispute_id).order_by(DisputeEvidence.id)
    )
    return [
        EvidenceDocument(row.id, row.side, row.file_key, row.file_name, row.media_type, row.size_bytes) for row in rows
    ]


def chosen_documents(documents: Sequence[EvidenceDocument]) -> list[EvidenceDocument]:
    """Those that go to the bank unless the operator chooses others: the latest of each side, as many as it takes."""
    chosen = {side: [one for one in documents if one.side == side][-most:] for side, most in MAX_DOCUMENTS.items()}
    return [one for one in documents if one in chosen[one.side]]


def _head(dispute: Dispute, payment: Payment) -> str:
    return (
        f"Payment {payment.gateway_reference} of {_amount(payment.amount_minor, payment.currency)}, "
        f"taken {_day(payment.captured_at)}. Disputed: {_amount(dispute.amount_minor, dispute.currency)}, "
        f"reason given: {dispute.reason or 'none'}."
    )


def _refunds(uow: UnitOfWork, dispute: Dispute) -> str:
    lines = [
        f"- {_amount(one.amount_minor, one.currency)} on {_day(one.ended_at)}, refund {one.gateway_reference or one.id}"
        for one in _gone_back(uow, dispute)
    ]
    return "Already refunded to the payer:\n" + "\n".join(lines) if lines else ""


def _gone_back(uow: UnitOfWork, dispute: Dispute) -> Sequence[Refund]:
    return uow.session.scalars(
        select(Refund)
        .where(Refund.payment_id == dispute.payment_id, Refund.state == "succeeded", Refund.origin != "dispute")
        .order_by(Refund.id)
    ).all()


def _orders(uow: UnitOfWork, dispute: Dispute) -> list[tuple[Order, list[DisputePart]]]:
    parts: dict[UUID, list[DisputePart]] = defaultdict(list)
    for part in parts_of(uow, dispute.id):
        parts[part.reference].append(part)
    rows = uow.session.scalars(select(Order).where(Order.id.in_(parts)).order_by(Order.id))
    return [(order, parts[order.id]) for order in rows]


def _order(uow: UnitOfWork, order: Order, parts: Sequence[DisputePart]) -> str:
    of_this = sum(part.amount_minor for part in parts)
    head = (
        f"Order {order.number} from {order.seller_name}, placed {_day(order.created_at)} by {order.buyer_name}; "
        f"disputed of it: {_amount(of_this, order.currency)}."
    )
    said = [head]
    named = {part.line_id for part in parts if part.line_id is not None}
    lines = select(OrderLine).where(OrderLine.order_id == order.id).order_by(OrderLine.id)
    given = select(Entitlement).where(Entitlement.group_reference == order.id)
    opened = {one.reference: one for one in uow.session.scalars(given)}
    for line in uow.session.scalars(lines):
        if named and line.id not in named:
            continue
        delivery = opened.get(line.id)
        state = "not delivered"
        if delivery is not None and delivery.valid_from is not None:
            seats = f", {delivery.seats_used} of {delivery.seats} seats in use" if delivery.seats else ""
            state = f"delivered {_day(delivery.valid_from)} as {delivery.external_id or 'an account'}{seats}"
        elif order.active_at is not None:
            state = f"delivered {_day(order.active_at)}"
        title = line.plan.get("title_en") or line.plan["title"]
        said.append(f"- {title} × {line.quantity}, {_amount(line.gross_minor, line.currency)}: {state}")
    return "\n".join(said)


def _amount(minor: int, currency: str) -> str:
    digits = exponent(currency)
    whole, rest = divmod(minor, 10**digits)
    return f"{currency} {whole}" + (f".{rest:0{digits}d}" if digits else "")


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at is not None else "at an unknown time"
