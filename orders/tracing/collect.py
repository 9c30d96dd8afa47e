"""The recorded facts of some orders, as far as the principal may see them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from billing.charges.models import Charge
from billing.invoices.models import Invoice
from billing.ledger.models import LedgerTransaction, Posting
from billing.payments.models import Payment, PaymentAllocation
from billing.payouts.models import Payout
from billing.refunds.models import Refund
from billing.shares.models import Share
from billing.statements.models import Statement, StatementLine
from fulfillment.entitlements.models import Entitlement
from fulfillment.runs.models import Run
from fulfillment.usage.models import UsagePeriod
from kernel.db.uow import UnitOfWork
from marketplace.attribution.models import Touchpoint
from marketplace.leads.models import Lead
from marketplace.placements.models import Placement
from marketplace.videos.models import Video
from orders.checkout.models import Approval, Purchase
from orders.checkout.quote_models import Quote
from orders.invoicing.models import UnbilledOrder
from orders.offers.models import Offer, OfferLine
from orders.order.dealer_margin import margin_at_list
from orders.order.milestones import OrderMilestone
from orders.order.models import Attribution, Order, OrderLine, Subscription
from orders.order.untaxed import untaxed_of
from orders.refunds.models import RefundCase
from orders.tracing.model import Node
from orders.tracing.resolve import agreed, mine

SHOWN_STEPS = 20
"""Touchpoints shown of an attribution's path: the last ones; the path itself is kept whole."""


def _money(minor: int, currency: str) -> dict[str, object]:
    return {"amount": minor, "currency": currency.strip()}


def agreement(uow: UnitOfWork, order_ids: Sequence[UUID]) -> Iterator[Node]:
    """Quote, purchase and approval (the buyer's), orders and lines (both sides', once they are paid for)."""
    orders = uow.session.scalars(select(Order).where(Order.id.in_(order_ids), agreed(uow))).all()
    purchase_ids = {order.purchase_id for order in orders}
    purchases = uow.session.scalars(
        select(Purchase).where(Purchase.id.in_(purchase_ids), mine(uow, Purchase.buyer_org_id))
    ).all()
    for quote in uow.session.scalars(
        select(Quote).where(Quote.id.in_([p.quote_id for p in purchases]), mine(uow, Quote.buyer_org_id))
    ):
        price = {"gross": _money(quote.gross_minor, quote.currency)}
        yield Node("quote", quote.id, quote.created_at, facts=price, after=(quote.offer_id,) if quote.offer_id else ())
    for p in purchases:
        facts = {"gross": _money(p.gross_minor, p.currency), "po_number": p.po_number}
        yield Node("purchase", p.id, p.created_at, p.state, facts=facts, after=(p.quote_id,))
    for a in uow.session.scalars(
        select(Approval).where(Approval.purchase_id.in_(purchase_ids), mine(uow, Approval.buyer_org_id))
    ):
        yield Node(
            "approval", a.id, a.at, a.decision, facts={"step": a.step, "reason": a.reason}, after=(a.purchase_id,)
        )
    for o in orders:
        facts = {"number": o.number, "gross": _money(o.gross_minor, o.currency), "failure": o.failure}
        names = {"buyer": o.buyer_name, "seller": o.seller_name}
        facts |= {"subscription_id": str(o.subscription_id) if o.subscription_id else None}
        before = (o.purchase_id, *(one for one in (o.offer_id, o.usage_period_id) if one))
        yield Node("order", o.id, o.created_at, o.state, o.number, o.number, facts | names, before)
    yield from _used(uow, [o.usage_period_id for o in orders if o.usage_period_id])
    yield from _asked(uow, [o.offer_id for o in orders if o.offer_id])
    for line in uow.session.scalars(select(OrderLine).where(OrderLine.order_id.in_([o.id for o in orders]))):
        yield Node(
            "order_line",
            line.id,
            line.created_at,
            None,
            line.plan["title"],
            line.plan["title_en"],
            {
                "quantity": line.quantity,
                **_discounted(line),
                **_tier(line),
                **_margin(uow, line),
                **_untaxed(line),
                **({"issuer": line.plan["issuer_name"]} if line.is_resold else {}),
                "net": _money(line.net_minor, line.currency),
                "tax": _money(line.tax_minor, line.currency),
                "gross": _money(line.gross_minor, line.currency),
                "claims": len(line.claims),
                "priced": _priced(line),
            },
            (line.order_id,),
        )


def _tier(line: OrderLine) -> dict[str, object]:
    """At which tier's price it was bought, and what the plan would have cost."""
    tier = line.plan.get("tier")
    if not tier:
        return {}
    listed = {"tier_list": _money(tier["list_minor"], line.currency)} if tier["list_minor"] is not None else {}
    return {"tier": tier["code"], **listed}


def _margin(uow: UnitOfWork, line: OrderLine) -> dict[str, object]:
    """What its buyer, a dealer, earns of it at the plan's price; for that one alone."""
    margin = margin_at_list(line.plan, line.list_minor, line.discount_minor)
    if margin is None or uow.principal.org_id != line.buyer_org_id:
        return {}
    return {"dealer_margin": _money(margin.minor, line.currency), "dealer_margin_ppm": margin.ppm}


def _untaxed(line: OrderLine) -> dict[str, object]:
    """What became of the tax that its price contains, where none was charged."""
    found = untaxed_of(line.plan)
    return {"untaxed": {"price": found.kept_as, "home_rate_ppm": found.home_rate_ppm}} if found.home_rate_ppm else {}


def _discounted(line: OrderLine) -> dict[str, object]:
    """What a coupon took off, and which."""
    if not line.plan.get("coupon"):
        return {}
    return {
        "list": _money(line.list_minor, line.currency),
        "discount": _money(line.discount_minor, line.currency),
        "coupon": line.plan["coupon"],
    }


def _used(uow: UnitOfWork, period_ids: Sequence[UUID]) -> Iterator[Node]:
    """The periods of usage that orders were placed for."""
    if not period_ids:
        return
    for p in uow.session.scalars(select(UsagePeriod).where(UsagePeriod.id.in_(period_ids))):
        facts = {
            "amount": _money(p.amount_minor or 0, p.currency),
            "credited": _money(p.credited_minor, p.currency),
            "used_from": p.starts_at.isoformat(),
            "used_until": p.ends_at.isoformat(),
        }
        yield Node("usage", p.id, p.ends_at, p.state, facts=facts, after=(p.entitlement_id,))


def _priced(line: OrderLine) -> dict[str, object] | None:
    """How the list price came about, where it has several parts."""
    if not line.price_lines:
        return None
    return {"interval": line.interval, "currency": line.currency.strip(), "lines": line.price_lines}


def _asked(uow: UnitOfWork, offer_ids: Sequence[UUID]) -> Iterator[Node]:
    """The offers that orders were bought by, and the requests that they answered: both sides'."""
    if not offer_ids:
        return
    rows = uow.session.execute(
        select(Offer, Lead)
        .join(Lead, Lead.id == Offer.lead_id, isouter=True)
        .where(Offer.id.in_(offer_ids), mine(uow, Offer.buyer_org_id, Offer.seller_org_id))
    )
    offered = uow.session.scalars(
        select(OfferLine).where(OfferLine.offer_id.in_(offer_ids)).order_by(OfferLine.offer_id, OfferLine.number)
    ).all()
    for offer, lead in rows:
        if lead is not None:
            card = (lead.placement_id,) if lead.placement_id else ()
            yield Node("lead", lead.id, lead.created_at, lead.state, facts={"action": lead.kind}, after=card)
        lines = [one for one in offered if one.offer_id == offer.id]
        total = sum(one.total_minor for one in lines)
        facts: dict[str, Any] = {"amount": _money(total, offer.currency)}
        if len(lines) == 1 and lines[0].price is None:
            facts = {"unit_price": _money(lines[0].unit_price_minor, offer.currency), "quantity": lines[0].quantity}
        yield Node(
            "offer",
            offer.id,
            offer.created_at,
            offer.state,
            facts=facts,
            after=(offer.lead_id,) if offer.lead_id else (),
        )


def origin(uow: UnitOfWork, line_ids: Sequence[UUID], video_ids: Sequence[UUID]) -> Iterator[Node]:
    """What sold it: attribution, video, card, and for the buyer its own touchpoint."""
    sold_by = uow.session.scalars(
        select(Attribution).where(
            Attribution.order_line_id.in_(line_ids), mine(uow, Attribution.buyer_org_id, Attribution.seller_org_id)
        )
    ).all()
    touched: set[UUID] = set()
    for c in sold_by:
        credited: dict[str, Any] = {"rule": c.rule, "second_ms": c.second_ms, "touchpoints": len(c.path)}
        if c.live_session_id is not None:
            credited["live_session_id"] = str(c.live_session_id)
        if c.share_link_id is not None:
            credited["share_link_id"] = str(c.share_link_id)
        if c.circle_id is not None:
            credited["circle_id"] = str(c.circle_id)
        seen = [UUID(step["touchpoint_id"]) for step in c.path[-SHOWN_STEPS:]]
        touched.update(seen)
        before = (*seen, *(i for i in (c.placement_id, c.video_id) if i is not None))
        yield Node("attribution", c.id, c.decided_at, c.rule, facts=credited, after=before)
    videos = {*video_ids, *(c.video_id for c in sold_by if c.video_id)}
    for v in uow.session.scalars(select(Video).where(Video.id.in_(videos))):
        yield Node("video", v.id, v.published_at, v.state, v.title, v.title_en)
    cards = {c.placement_id for c in sold_by if c.placement_id}
    for p in uow.session.scalars(select(Placement).where(Placement.id.in_(cards))):
        facts = {"start_ms": p.start_ms, "end_ms": p.end_ms, "action": p.action}
        yield Node("placement", p.id, p.created_at, None, facts=facts, after=(p.video_id,))
    for t in uow.session.scalars(select(Touchpoint).where(Touchpoint.id.in_(touched), mine(uow, Touchpoint.org_id))):
        touched_at: dict[str, Any] = {"kind": t.kind, "second_ms": t.second_ms, "watched_ms": t.watched_ms}
        for name in ("live_session_id", "listing_id", "channel_id"):
            if (place := getattr(t, name)) is not None:
                touched_at[name] = str(place)
        before = (t.video_id,) if t.video_id is not None else ()
        yield Node("touchpoint", t.id, t.occurred_at, t.kind, facts=touched_at, after=before)


def delivery(uow: UnitOfWork, line_ids: Sequence[UUID]) -> Iterator[Node]:
    """Entitlements, their runs, and the subscriptions that began."""
    entitlements = uow.session.scalars(
        select(Entitlement).where(
            Entitlement.reference.in_(line_ids), mine(uow, Entitlement.buyer_org_id, Entitlement.seller_org_id)
        )
    ).all()
    for e in entitlements:
        facts = {"seats": e.seats, "seats_used": e.seats_used, "external_id": e.external_id}
        yield Node(
            "entitlement", e.id, e.valid_from or e.created_at, e.state, e.title, e.title_en, facts, (e.reference,)
        )
    runs = select(Run).where(
        Run.entitlement_id.in_([e.id for e in entitlements]), mine(uow, Run.buyer_org_id, Run.seller_org_id)
    )
    for r in uow.session.scalars(runs):
        facts = {"operation": r.operation, "tries": r.tries, "percent": r.percent, "failure": r.failure}
        yield Node(
            "run", r.id, r.finished_at or r.created_at, r.state, r.operation, r.operation, facts, (r.entitlement_id,)
        )
    subscriptions = select(Subscription).where(
        Subscription.order_line_id.in_(line_ids), mine(uow, Subscription.buyer_org_id, Subscription.seller_org_id)
    )
    for s in uow.session.scalars(subscriptions):
        yield Node("subscription", s.id, s.created_at, s.state, after=(s.order_line_id,))
    milestones = select(OrderMilestone).where(
        OrderMilestone.order_line_id.in_(line_ids), mine(uow, OrderMilestone.buyer_org_id, OrderMilestone.seller_org_id)
    )
    for m in uow.session.scalars(milestones):
        at = m.accepted_at or m.delivered_at or m.created_at
        price: dict[str, object] = {"gross": _money(m.gross_minor, m.currency)}
        yield Node(
            "milestone", m.id, at, m.state, m.name or m.code, m.name_en or m.code, price, after=(m.order_line_id,)
        )


def payment_nodes(uow: UnitOfWork, order_ids: Sequence[UUID]) -> Iterator[Node]:
    """Payments (the payer's), charges, refunds and what asked for them, invoices and credit notes (both sides')."""
    paid = select(PaymentAllocation.payment_id).where(PaymentAllocation.reference.in_(order_ids))
    for p in uow.session.scalars(select(Payment).where(Payment.id.in_(paid), mine(uow, Payment.payer_org_id))):
        facts = {"amount": _money(p.amount_minor, p.currency), "gateway": p.gateway, "error": p.error_code}
        if p.credit_minor:
            facts["credit"] = _money(p.credit_minor, p.currency)
        yield Node("payment", p.id, p.captured_at or p.created_at, p.state, facts=facts, after=(p.reference,))
    charges = select(Charge).where(
        Charge.group_reference.in_(order_ids), mine(uow, Charge.buyer_org_id, Charge.seller_org_id)
    )
    for c in uow.session.scalars(charges):
        facts = {"gross": _money(c.gross_minor, c.currency), "refunded": _money(c.refunded_minor, c.currency)}
        yield Node(
            "charge",
            c.id,
            c.captured_at,
            None,
            facts=facts,
            after=(c.reference, *((c.part_reference,) if c.part_reference else ()), c.payment_id),
        )
    granted_by: dict[UUID, UUID] = {}
    cases = select(RefundCase).where(
        RefundCase.order_id.in_(order_ids), mine(uow, RefundCase.buyer_org_id, RefundCase.seller_org_id)
    )
    for case in uow.session.scalars(cases):
        if case.refund_id is not None:
            granted_by[case.refund_id] = case.id
        yield Node("refund_case", case.id, case.created_at, case.state, facts=_case(case), after=(case.order_id,))
    refunds = select(Refund).where(
        Refund.reference.in_(order_ids), mine(uow, Refund.buyer_org_id, Refund.seller_org_id)
    )
    for r in uow.session.scalars(refunds):
        given: dict[str, object] = {"amount": _money(r.amount_minor, r.currency), "reason": r.reason}
        given["automatic"] = r.automatic
        if r.credit_minor:
            given["credit"] = _money(r.credit_minor, r.currency)
        asked = (granted_by[r.id],) if r.id in granted_by else ()
        before = (r.payment_id, r.reference, *asked)
        yield Node("refund", r.id, r.ended_at or r.created_at, r.state, facts=given, after=before)
    waiting: dict[UUID, list[UUID]] = {}
    months = select(UnbilledOrder).where(
        UnbilledOrder.order_id.in_(order_ids), mine(uow, UnbilledOrder.buyer_org_id, UnbilledOrder.seller_org_id)
    )
    for u in uow.session.scalars(months):
        waits: dict[str, object] = {"month": f"{u.month:%Y-%m}", "due_at": u.due_at.isoformat()}
        if u.reference is not None:
            waiting.setdefault(u.reference, []).append(u.id)
        yield Node("unbilled_order", u.id, u.settled_at or u.created_at, u.state, facts=waits, after=(u.order_id,))
    invoices = select(Invoice).where(
        Invoice.reference.in_([*order_ids, *waiting]), mine(uow, Invoice.buyer_org_id, Invoice.seller_org_id)
    )
    for i in uow.session.scalars(invoices):
        links = (i.refund_id, i.original_invoice_id, i.corrects_invoice_id)
        before = tuple(x for x in links if x) or tuple(waiting.get(i.reference, (i.reference,)))
        facts = {"number": i.number, "gross": _money(i.gross_minor, i.currency)}
        yield Node(i.kind, i.id, i.issued_at or i.created_at, i.state, i.number or "", i.number or "", facts, before)


def _case(row: RefundCase) -> dict[str, object]:
    """What each said of a case, and when: both sides read each other's words."""
    moments = ("answered_at", "escalated_at", "decided_at", "ended_at", "deadline_at")
    said = ("reason", "answer", "appeal", "decision")
    facts: dict[str, object] = {
        "buyer_id": str(row.buyer_org_id),
        "seller_id": str(row.seller_org_id),
        "asked": _money(row.asked_minor, row.currency),
        "granted": None if row.granted_minor is None else _money(row.granted_minor, row.currency),
    }
    facts |= {name: getattr(row, name) for name in said}
    return facts | {name: at.isoformat() if (at := getattr(row, name)) else None for name in moments}


def payout_nodes(uow: UnitOfWork, order_ids: Sequence[UUID]) -> Iterator[Node]:
    """Shares, the statements they are in, and the payouts of those: each party's own, and a seller's sale in full."""
    shares = uow.session.scalars(
        select(Share).where(Share.group_reference.in_(order_ids), mine(uow, Share.org_id, Share.seller_org_id))
    ).all()
    for s in shares:
        facts = {
            "kind": s.kind,
            "rate_ppm": s.rate_ppm,
            "amount": _money(s.amount_minor, s.currency),
            "reversed": _money(s.reversed_minor, s.currency),
            "releasable_at": s.releasable_at.isoformat() if s.releasable_at else None,
            "promoted_video": str(s.video_id) if s.video_id else None,
        }
        before = (s.charge_id, s.reference, *((s.video_id,) if s.video_id else ()))
        yield Node("share", s.id, s.captured_at, s.state, s.kind, s.kind, facts, before)
    listed = select(StatementLine.statement_id).where(StatementLine.group_reference.in_(order_ids))
    statements = uow.session.scalars(
        select(Statement).where(Statement.id.in_(listed), mine(uow, Statement.org_id))
    ).all()
    of_statement: dict[UUID, tuple[UUID, ...]] = {}
    for s in shares:
        if s.statement_id is not None:
            of_statement[s.statement_id] = (*of_statement.get(s.statement_id, ()), s.id)
    for t in statements:
        facts = {"number": t.number, "net": _money(t.net_minor, t.currency)}
        yield Node("statement", t.id, t.closed_at, t.state, t.number, t.number, facts, of_statement.get(t.id, ()))
    ids = [t.id for t in statements]
    for p in uow.session.scalars(select(Payout).where(Payout.statement_id.in_(ids), mine(uow, Payout.org_id))):
        facts = {"amount": _money(p.amount_minor, p.currency), "destination": p.destination, "gateway": p.gateway}
        yield Node("payout", p.id, p.paid_at or p.created_at, p.state, facts=facts, after=(p.statement_id,))
    bills = select(Invoice).where(
        Invoice.kind == "commission_invoice",
        Invoice.reference.in_(ids),
        mine(uow, Invoice.buyer_org_id, Invoice.seller_org_id),
    )
    for i in uow.session.scalars(bills):
        facts = {"number": i.number, "gross": _money(i.gross_minor, i.currency)}
        number = i.number or ""
        yield Node(
            "commission_invoice", i.id, i.issued_at or i.created_at, i.state, number, number, facts, (i.reference,)
        )


def books(uow: UnitOfWork, references: Sequence[UUID]) -> Iterator[Node]:
    """Ledger transactions of the facts above; of the postings only the principal's own."""
    found = select(LedgerTransaction).where(LedgerTransaction.reference.in_(references))
    if not uow.principal.is_platform:
        found = found.where(LedgerTransaction.org_ids.contains([uow.principal.organization()]))
    transactions = uow.session.scalars(found).all()
    own: dict[UUID, list[dict[str, object]]] = {}
    for p in uow.session.scalars(
        select(Posting).where(Posting.transaction_id.in_([t.id for t in transactions]), mine(uow, Posting.org_id))
    ):
        own.setdefault(p.transaction_id, []).append(_money(p.amount_minor, p.currency))
    for t in transactions:
        facts = {"kind": t.kind, "postings": own.get(t.id, [])}
        yield Node("ledger_transaction", t.id, t.effective_at, None, t.kind, t.kind, facts, (t.reference,))
