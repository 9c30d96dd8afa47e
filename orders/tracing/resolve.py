"""From any id to the orders it belongs to, within what the principal may see."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from billing.bank.models import BankTransfer
from billing.charges.models import Charge
from billing.disputes.models import Dispute
from billing.invoices.models import Invoice, InvoiceLine
from billing.ledger.models import LedgerTransaction, Posting
from billing.on_account.models import DunningNotice
from billing.payments.models import Payment, PaymentAllocation
from billing.payouts.models import Payout
from billing.refunds.models import Refund
from billing.shares.models import Share
from billing.statements.models import Statement, StatementLine
from fulfillment.courses.models import EpisodeProgress
from fulfillment.entitlements.models import Entitlement, Seat
from fulfillment.runs.models import Run
from fulfillment.usage.models import UsageEvent, UsagePeriod
from kernel.db.platform_scope import reading_as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from marketplace.attribution.models import Touchpoint
from marketplace.placements.models import Placement
from marketplace.videos.access import visible_to
from marketplace.videos.models import Video
from orders.checkout.models import Purchase
from orders.checkout.quote_models import Quote
from orders.invoicing.models import UnbilledOrder
from orders.offers.models import Offer
from orders.order.instalments import Instalment
from orders.order.milestones import OrderMilestone
from orders.order.models import Attribution, Order, OrderLine, Subscription
from orders.papers.models import SalePaper
from orders.refunds.models import RefundCase

MOST = 50
"""A video or a statement may have caused thousands of orders; a trace walks the latest of them."""

Column = InstrumentedAttribute[Any]


def mine(uow: UnitOfWork, *columns: Column) -> ColumnElement[bool]:
    """Rows of the acting organization by any of these columns; all rows for the platform."""
    if uow.principal.is_platform:
        return true()
    org_id = uow.principal.organization()
    return or_(*(column == org_id for column in columns))


def agreed(uow: UnitOfWork) -> ColumnElement[bool]:
    """Orders of the acting organization: all that it placed, and of its sales those that were paid for."""
    if uow.principal.is_platform:
        return true()
    org_id = uow.principal.organization()
    return or_(Order.buyer_org_id == org_id, and_(Order.seller_org_id == org_id, Order.paid_at.is_not(None)))


@dataclass(frozen=True, slots=True)
class Anchor:
    """What an id is, and the orders it leads to."""

    kind: str
    order_ids: tuple[UUID, ...]


Step = Callable[[UnitOfWork, UUID], Iterable[UUID] | None]


def resolve(uow: UnitOfWork, any_id: UUID) -> Anchor:
    """What `any_id` is. Raises: NotFound for an id of nothing, or of nothing this principal may see."""
    for kind, step in STEPS:
        found = step(uow, any_id)
        if found is not None:
            return Anchor(kind, tuple(dict.fromkeys(found))[:MOST])
    raise NotFound("not_found")


def _by(column: Column, id_column: Column, *owners: Column) -> Step:
    """A row found by its id leads to the order ids in `column`."""

    def step(uow: UnitOfWork, any_id: UUID) -> Iterable[UUID] | None:
        rows = uow.session.scalars(select(column).where(id_column == any_id, mine(uow, *owners))).all()
        return rows or None

    return step


def _of_lines(uow: UnitOfWork, condition: ColumnElement[bool]) -> list[UUID]:
    return list(
        uow.session.scalars(
            select(Order.id)
            .join(OrderLine, OrderLine.order_id == Order.id)
            .join(Attribution, Attribution.order_line_id == OrderLine.id)
            .where(condition, agreed(uow))
            .order_by(OrderLine.created_at.desc())
            .limit(MOST)
        )
    )


def _promoted(uow: UnitOfWork, video_id: UUID) -> list[UUID]:
    return list(
        uow.session.scalars(
            select(Share.group_reference)
            .where(Share.video_id == video_id, mine(uow, Share.org_id, Share.seller_org_id))
            .order_by(Share.captured_at.desc())
            .limit(MOST)
        )
    )


def _touchpoint(uow: UnitOfWork, any_id: UUID) -> Iterable[UUID] | None:
    known = uow.session.scalar(select(Touchpoint.id).where(Touchpoint.id == any_id, mine(uow, Touchpoint.org_id)))
    return None if known is None else _of_lines(uow, Attribution.touchpoint_id == any_id)


def _video(uow: UnitOfWork, any_id: UUID) -> Iterable[UUID] | None:
    known = uow.session.scalar(select(Video.id).where(Video.id == any_id, visible_to(uow.principal)))
    if known is None:
        return None
    return [*_of_lines(uow, Attribution.video_id == any_id), *_promoted(uow, any_id)]


def _placement(uow: UnitOfWork, any_id: UUID) -> Iterable[UUID] | None:
    known = uow.session.scalar(
        select(Placement.id).where(Placement.id == any_id, mine(uow, Placement.org_id, Placement.seller_org_id))
    )
    found = _of_lines(uow, Attribution.placement_id == any_id)
    return found if found or known is not None else None


def _dispute(uow: UnitOfWork, any_id: UUID) -> Iterable[UUID] | None:
    """The orders that the disputed payment paid for, of them the principal's."""
    rows = uow.session.scalars(
        select(PaymentAllocation.reference)
        .join(Dispute, Dispute.payment_id == PaymentAllocation.payment_id)
        .where(Dispute.id == any_id, mine(uow, PaymentAllocation.payer_org_id, PaymentAllocation.seller_org_id))
    ).all()
    return rows or None


def _quote(uow: UnitOfWork, any_id: UUID) -> Iterable[UUID] | None:
    known = uow.session.scalar(select(Quote.id).where(Quote.id == any_id, mine(uow, Quote.buyer_org_id)))
    if known is None:
        return None
    return uow.session.scalars(
        select(Order.id).join(Purchase, Purchase.id == Order.purchase_id).where(Purchase.quote_id == any_id)
    ).all()


def _offered(column: Column) -> Step:
    """A request or an offer leads to the orders that it was bought by."""

    def step(uow: UnitOfWork, any_id: UUID) -> Iterable[UUID] | None:
        own = select(Offer.id).where(column == any_id, mine(uow, Offer.buyer_org_id, Offer.seller_org_id))
        rows = uow.session.scalars(select(Order.id).where(Order.offer_id.in_(own), agreed(uow))).all()
        return rows or None

    return step


def _statement_orders(uow: UnitOfWork, statement_id: UUID) -> list[UUID]:
    return list(
        uow.session.scalars(
            select(StatementLine.group_reference)
            .where(StatementLine.statement_id == statement_id, mine(uow, StatementLine.org_id))
            .distinct()
            .order_by(StatementLine.group_reference.desc())
            .limit(MOST)
        )
    )


def _statement(uow: UnitOfWork, any_id: UUID) -> Iterable[UUID] | None:
    known = uow.session.scalar(select(Statement.id).where(Statement.id == any_id, mine(uow, Statement.org_id)))
    return None if known is None else _statement_orders(uow, any_id)


def _payout(uow: UnitOfWork, any_id: UUID) -> Iterable[UUID] | None:
    statement_id = uow.session.scalar(select(Payout.statement_id).where(Payout.id == any_id, mine(uow, Payout.org_id)))
    return None if statement_id is None else _statement_orders(uow, statement_id)


def _invoice(uow: UnitOfWork, any_id: UUID) -> Iterable[UUID] | None:
    row = uow.session.execute(
        select(Invoice.kind, Invoice.reference, Invoice.month).where(
            Invoice.id == any_id, mine(uow, Invoice.buyer_org_id, Invoice.seller_org_id)
        )
    ).first()
    if row is None:
        return None
    if row.month is not None:
        on_it = select(UnbilledOrder.order_id).where(
            UnbilledOrder.reference == row.reference, mine(uow, UnbilledOrder.buyer_org_id, UnbilledOrder.seller_org_id)
        )
        return list(uow.session.scalars(on_it.order_by(UnbilledOrder.id).limit(MOST)))
    return _statement_orders(uow, row.reference) if row.kind == "commission_invoice" else [row.reference]


def _invoice_line(uow: UnitOfWork, any_id: UUID) -> Iterable[UUID] | None:
    invoice_id = uow.session.scalar(
        select(InvoiceLine.invoice_id).where(
            InvoiceLine.id == any_id, mine(uow, InvoiceLine.buyer_org_id, InvoiceLine.seller_org_id)
        )
    )
    return None if invoice_id is None else _invoice(uow, invoice_id)


def _ledger(uow: UnitOfWork, any_id: UUID) -> Iterable[UUID] | None:
    posted = select(Posting.transaction_id).where(mine(uow, Posting.org_id))
    reference = uow.session.scalar(
        select(LedgerTransaction.reference).where(LedgerTransaction.id == any_id, LedgerTransaction.id.in_(posted))
    )
    if reference is None:
        return None
    for kind, step in STEPS:
        found = step(uow, reference) if kind != "ledger_transaction" else None
        if found is not None:
            return found
    return []


def _order(uow: UnitOfWork, any_id: UUID) -> Iterable[UUID] | None:
    return uow.session.scalars(select(Order.id).where(Order.id == any_id, agreed(uow))).all() or None


def _line(id_column: Column, reference: Column) -> Step:
    """A row of which `reference` names an order line leads to the line's order."""

    def step(uow: UnitOfWork, any_id: UUID) -> Iterable[UUID] | None:
        of_line = select(reference).where(id_column == any_id)
        rows = uow.session.scalars(
            select(Order.id)
            .join(OrderLine, OrderLine.order_id == Order.id)
            .where(OrderLine.id.in_(of_line), agreed(uow))
        ).all()
        return rows or None

    return step


def _run(uow: UnitOfWork, any_id: UUID) -> Iterable[UUID] | None:
    rows = uow.session.scalars(
        select(OrderLine.order_id)
        .join(Entitlement, Entitlement.reference == OrderLine.id)
        .join(Run, Run.entitlement_id == Entitlement.id)
        .where(Run.id == any_id, mine(uow, Run.buyer_org_id, Run.seller_org_id))
    ).all()
    return rows or None


def _of_entitlement(id_column: Column, entitlement: Column, owner: Column) -> Step:
    """A row of which a column names an entitlement leads to the order that this was bought by."""

    def step(uow: UnitOfWork, any_id: UUID) -> Iterable[UUID] | None:
        given = select(entitlement).where(id_column == any_id, mine(uow, owner))
        rows = uow.session.scalars(
            select(OrderLine.order_id)
            .join(Entitlement, Entitlement.reference == OrderLine.id)
            .where(Entitlement.id.in_(given))
        ).all()
        return rows or None

    return step


def _usage(uow: UnitOfWork, any_id: UUID) -> Iterable[UUID] | None:
    """A period of usage leads to the order that it was charged by, and to the one that began what was used."""
    period = uow.session.scalars(
        select(UsagePeriod).where(
            UsagePeriod.id == any_id, mine(uow, UsagePeriod.buyer_org_id, UsagePeriod.seller_org_id)
        )
    ).first()
    if period is None:
        return None
    charged = select(Order.id).where(Order.usage_period_id == any_id, agreed(uow))
    began = (
        select(OrderLine.order_id)
        .join(Entitlement, Entitlement.reference == OrderLine.id)
        .where(Entitlement.id == period.entitlement_id)
    )
    return [*uow.session.scalars(charged), *uow.session.scalars(began)]


def _instalment(uow: UnitOfWork, any_id: UUID) -> Iterable[UUID] | None:
    """An instalment leads to the order that asked for it, and to the one that sold its term."""
    line_id = uow.session.scalar(
        select(Instalment.order_line_id).where(
            Instalment.id == any_id, mine(uow, Instalment.buyer_org_id, Instalment.seller_org_id)
        )
    )
    if line_id is None:
        return None
    charged = select(Order.id).where(Order.instalment_id == any_id, agreed(uow))
    sold = select(OrderLine.order_id).where(OrderLine.id == line_id)
    return [*uow.session.scalars(charged), *uow.session.scalars(sold)]


def _usage_event(uow: UnitOfWork, any_id: UUID) -> Iterable[UUID] | None:
    """An event leads to where its period does."""
    period_id = uow.session.scalar(
        select(UsageEvent.period_id).where(
            UsageEvent.id == any_id, mine(uow, UsageEvent.buyer_org_id, UsageEvent.seller_org_id)
        )
    )
    return None if period_id is None else _usage(uow, period_id)


def _payment(uow: UnitOfWork, any_id: UUID) -> Iterable[UUID] | None:
    known = uow.session.scalar(select(Payment.id).where(Payment.id == any_id, mine(uow, Payment.payer_org_id)))
    rows = uow.session.scalars(
        select(Order.id)
        .join(PaymentAllocation, PaymentAllocation.reference == Order.id)
        .where(PaymentAllocation.payment_id == any_id, agreed(uow))
    ).all()
    return rows if rows or known is not None else None


def _payment_request(uow: UnitOfWork, any_id: UUID) -> Iterable[UUID] | None:
    """What a payer was asked to send leads where its payment does, for its sellers, too, once they have delivered."""
    with reading_as_platform(uow):
        payment_id = uow.session.scalar(select(BankTransfer.payment_id).where(BankTransfer.id == any_id))
    return None if payment_id is None else _payment(uow, payment_id)


def _dunning_notice(uow: UnitOfWork, any_id: UUID) -> Iterable[UUID] | None:
    transfer_id = uow.session.scalar(
        select(DunningNotice.transfer_id).where(DunningNotice.id == any_id, mine(uow, DunningNotice.payer_org_id))
    )
    return None if transfer_id is None else _payment_request(uow, transfer_id)


def _sale_paper(uow: UnitOfWork, any_id: UUID) -> Iterable[UUID] | None:
    """A paper leads where what it is of does; that of a month's statement leads nowhere."""
    subject_id = uow.session.scalar(
        select(SalePaper.subject_id).where(SalePaper.id == any_id, mine(uow, SalePaper.buyer_org_id))
    )
    if subject_id is None:
        return None
    of_purchase = _by(Order.id, Order.purchase_id, Order.buyer_org_id)
    return next((found for step in (_payment, of_purchase, _quote) if (found := step(uow, subject_id)) is not None), [])


STEPS: tuple[tuple[str, Step], ...] = (
    ("order", _order),
    ("order_line", _line(OrderLine.id, OrderLine.id)),
    ("purchase", _by(Order.id, Order.purchase_id, Order.buyer_org_id)),
    ("quote", _quote),
    ("offer", _offered(Offer.id)),
    ("lead", _offered(Offer.lead_id)),
    ("attribution", _line(Attribution.id, Attribution.order_line_id)),
    ("entitlement", _line(Entitlement.id, Entitlement.reference)),
    ("subscription", _line(Subscription.id, Subscription.order_line_id)),
    ("milestone", _line(OrderMilestone.id, OrderMilestone.order_line_id)),
    ("run", _run),
    ("seat", _of_entitlement(Seat.id, Seat.entitlement_id, Seat.org_id)),
    ("episode", _of_entitlement(EpisodeProgress.id, EpisodeProgress.entitlement_id, EpisodeProgress.org_id)),
    ("usage", _usage),
    ("instalment", _instalment),
    ("usage_event", _usage_event),
    ("payment", _payment),
    ("payment_request", _payment_request),
    ("dunning_notice", _dunning_notice),
    ("sale_paper", _sale_paper),
    ("dispute", _dispute),
    ("charge", _by(Charge.group_reference, Charge.id, Charge.buyer_org_id, Charge.seller_org_id)),
    ("share", _by(Share.group_reference, Share.id, Share.org_id, Share.seller_org_id)),
    ("refund_case", _by(RefundCase.order_id, RefundCase.id, RefundCase.buyer_org_id, RefundCase.seller_org_id)),
    ("refund", _by(Refund.reference, Refund.id, Refund.buyer_org_id, Refund.seller_org_id)),
    ("invoice", _invoice),
    (
        "unbilled_order",
        _by(UnbilledOrder.order_id, UnbilledOrder.id, UnbilledOrder.buyer_org_id, UnbilledOrder.seller_org_id),
    ),
    ("invoice_line", _invoice_line),
    ("statement_line", _by(StatementLine.group_reference, StatementLine.id, StatementLine.org_id)),
    ("statement", _statement),
    ("payout", _payout),
    ("ledger_transaction", _ledger),
    ("touchpoint", _touchpoint),
    ("placement", _placement),
    ("video", _video),
)
"""How each kind of id leads to orders; the first that knows the id wins."""
