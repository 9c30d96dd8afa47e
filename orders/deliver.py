"""From paid to delivered: charge every line, open its delivery, know when all are done."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from billing.charges.mark_delivered import mark_delivered
from billing.charges.record_charge import RecordCharge, record_charge
from billing.shares.split import ShareTerms
from fulfillment.entitlements.models import Entitlement
from fulfillment.entitlements.open_entitlement import OpenEntitlement, open_entitlement
from kernel import clock
from kernel.db.uow import UnitOfWork
from marketplace import public
from marketplace.public import Party
from orders.agreements.models import Attribution, Order, OrderLine, SaleTerms
from orders.agreements.rows import lines_of
from orders.agreements.states import ORDER


def begin_delivery(uow: UnitOfWork, order: Order) -> None:
    """Charge and start to deliver each line of a paid, locked order. Idempotent by the order's state."""
    if order.state != "paid":
        return
    ORDER.move(uow, order, "fulfilling", org_ids=order.parties)
    buyer = public.party(uow, order.buyer_org_id)
    for line in lines_of(uow, order.id):
        if line.gross_minor:
            _charge(uow, order, line)
        deadline_at = clock.now() + timedelta(seconds=int(line.plan["deadline_s"]))
        order.deadline_at = max(order.deadline_at or deadline_at, deadline_at)
        _deliver(uow, order, line, buyer, deadline_at)


def deliveries_of(uow: UnitOfWork, order: Order) -> list[UUID]:
    """The entitlements that deliver an order's lines, by id."""
    return list(uow.session.scalars(_entitlements(order, Entitlement.id).order_by(Entitlement.id)))


def is_delivered(uow: UnitOfWork, order: Order) -> bool:
    """Whether every line of the order has an active entitlement."""
    active = uow.session.scalar(
        _entitlements(order, func.count()).where(Entitlement.state.in_(("active", "suspended")))
    )
    lines = uow.session.scalar(select(func.count()).select_from(OrderLine).where(OrderLine.order_id == order.id))
    return bool(active == lines)


def release_shares(uow: UnitOfWork, order: Order, *, recurring: bool) -> None:
    """Start the hold of the shares of an order's subscriptions (delivered) or of its one-off services (accepted)."""
    entitled = select(Entitlement.reference, Entitlement.valid_from).where(
        Entitlement.reference.in_(select(OrderLine.id).where(OrderLine.order_id == order.id))
    )
    active_since = {row.reference: row.valid_from for row in uow.session.execute(entitled)}
    for line in lines_of(uow, order.id):
        if (line.term_months > 0) == recurring and line.gross_minor:
            at = active_since[line.id] if recurring else order.accepted_at
            assert at is not None  # noqa: S101 - what is delivered began, what is accepted was accepted
            mark_delivered(uow, line.id, at=at)


def _entitlements(order: Order, *columns: Any) -> Any:
    lines = select(OrderLine.id).where(OrderLine.order_id == order.id)
    return select(*columns).select_from(Entitlement).where(Entitlement.reference.in_(lines))


def _charge(uow: UnitOfWork, order: Order, line: OrderLine) -> None:
    assert order.payment_id is not None  # noqa: S101 - a paid order that costs something has its payment
    credit = uow.session.scalars(select(Attribution).where(Attribution.order_line_id == line.id)).one()
    terms = uow.session.scalars(select(SaleTerms).where(SaleTerms.order_line_id == line.id)).one()
    record_charge(
        uow,
        RecordCharge(
            reference=line.id,
            group_reference=order.id,
            payment_id=order.payment_id,
            buyer_org_id=line.buyer_org_id,
            seller_org_id=line.seller_org_id,
            promoter_org_id=terms.promoter_org_id,
            video_id=credit.video_id,
            net_minor=line.net_minor,
            tax_minor=line.tax_minor,
            gross_minor=line.gross_minor,
            currency=line.currency,
            tax_rate_ppm=line.tax_rate_ppm,
            terms=ShareTerms(terms.policy_version, terms.commission_ppm, terms.promoter_ppm, terms.hold_days),
        ),
    )


def _deliver(uow: UnitOfWork, order: Order, line: OrderLine, buyer: Party, deadline_at: datetime) -> None:
    plan = line.plan
    open_entitlement(
        uow,
        OpenEntitlement(
            reference=line.id,
            buyer_org_id=line.buyer_org_id,
            seller_org_id=line.seller_org_id,
            listing_id=line.listing_id,
            plan_id=line.plan_id,
            connector_id=UUID(plan["connector_id"]) if plan["connector_id"] else None,
            title=plan["title"],
            title_en=plan["title_en"],
            seats=line.quantity if line.pricing == "per_seat" else 0,
            term_months=line.term_months,
            time_zone=buyer.time_zone,
            deadline_at=deadline_at,
            context={
                "order_id": str(order.id),
                "order_number": order.number,
                "order_line_id": str(line.id),
                "organization": {
                    "id": str(buyer.org_id),
                    "name": buyer.legal_name,
                    "country": buyer.country,
                    "locale": buyer.locale,
                },
                "listing": {"id": str(line.listing_id), "title": plan["title"], "title_en": plan["title_en"]},
                "plan": {
                    "id": str(line.plan_id),
                    "code": plan["plan_code"],
                    "name": plan["plan_name"],
                    "name_en": plan["plan_name_en"],
                },
                "term_months": line.term_months,
            },
        ),
    )
