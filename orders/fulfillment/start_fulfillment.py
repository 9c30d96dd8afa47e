"""From paid to delivered: charge every line, open its delivery, know when all are done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, select

from billing.charges.mark_delivered import mark_delivered
from billing.charges.record_charge import RecordCharge, ask_charges, record_charge
from billing.shares.promotion import PinnedPromotion
from billing.shares.split import ShareTerms
from fulfillment.provisioning.open_entitlement import EndCustomerOf, OpenEntitlement, open_entitlement
from fulfillment.usage.terms import set_usage_terms
from kernel import clock
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.jobs.outbox import emit
from marketplace.parties.models import Organization
from marketplace.pricing.components import PlanPrice
from orders.milestones.begin import begin_milestones
from orders.milestones.events import ServiceOrdered
from orders.order.locking import LineDelivery, deliveries_of
from orders.order.milestones import OrderMilestone, milestones_of
from orders.order.models import ORDER, Attribution, Order, OrderLine, SaleTerms
from orders.order.span import first_term_of
from orders.order.used_by import end_customer_of

_TO_DELIVER = Read(
    select(OrderLine, Attribution, SaleTerms, Organization)
    .join(Attribution, Attribution.order_line_id == OrderLine.id)
    .join(SaleTerms, SaleTerms.order_line_id == OrderLine.id)
    .join(Organization, Organization.id == OrderLine.buyer_org_id)
    .join(Order, Order.id == OrderLine.order_id)
    .where(Order.purchase_id == bindparam("purchase_id"))
    .order_by(OrderLine.id)
)


def ask_start_fulfillment(uow: UnitOfWork, purchase_id: UUID, payment_id: UUID) -> None:
    """Ask ahead for the first `start_fulfillment` of a purchase's orders, which are locked as an aggregate."""
    uow.ask_ahead(_TO_DELIVER, purchase_id=purchase_id)
    ask_charges(uow, payment_id)


def start_fulfillment(uow: UnitOfWork, order: Order) -> None:
    """Charge and start to deliver each line of a paid, locked order. Idempotent by the order's state."""
    if order.state != "paid":
        return
    ORDER.move(uow, order, "fulfilling", org_ids=order.parties)
    is_service, user = False, end_customer_of(uow, order)
    for line, buyer, milestones in charge_lines(uow, order):
        deadline_at = _deadline(line)
        order.deadline_at = max(order.deadline_at or deadline_at, deadline_at)
        _deliver(uow, order, line, buyer, deadline_at, user, waits=bool(milestones))
        is_service = is_service or bool(milestones)
    if is_service:
        emit(uow, ServiceOrdered(order_id=order.id, buyer_org_id=order.buyer_org_id, seller_org_id=order.seller_org_id))


def charge_lines(uow: UnitOfWork, order: Order) -> list[tuple[OrderLine, Organization, list[OrderMilestone]]]:
    """Charge each line of a paid, locked order that costs something, a service by its milestones.

    Returns all of them, each with its buyer and its milestones.
    """
    found = []
    rows = uow.fetch(_TO_DELIVER, purchase_id=order.purchase_id)
    for number, (line, credit, terms, buyer) in enumerate(row for row in rows if row.OrderLine.order_id == order.id):
        if number:
            # The next line's charge is measured against this one's.
            uow.flush()
        milestones = begin_milestones(uow, order, line, _deadline(line)) if order.subscription_id is None else []
        for one in milestones:
            if one.gross_minor:
                _charge(uow, order, line, credit, terms, one)
                uow.flush()
        if line.gross_minor and not milestones:
            _charge(uow, order, line, credit, terms)
        found.append((line, buyer, milestones))
    return found


def _deadline(line: OrderLine) -> datetime:
    return clock.now() + timedelta(seconds=int(line.plan["deadline_s"]))


def entitlements_of(uow: UnitOfWork, order: Order) -> list[UUID]:
    """The entitlements that deliver an order's lines, by id."""
    return sorted(one.entitlement.id for one in deliveries_of(uow, order.id) if one.entitlement is not None)


def is_delivered(deliveries: Sequence[LineDelivery]) -> bool:
    """Whether every line of the order has an active entitlement."""
    return all(one.entitlement and one.entitlement.state in ("active", "suspended") for one in deliveries)


def release_shares(uow: UnitOfWork, order: Order, deliveries: Sequence[LineDelivery], *, recurring: bool) -> None:
    """Start the hold of the shares of an order's subscriptions (delivered) or of its one-off services (accepted)."""
    # Of these each has its own acceptance.
    staged = set() if recurring else {one.order_line_id for one in milestones_of(uow, order.id)}
    for one in deliveries:
        if (one.line.term_months > 0) == recurring and one.line.gross_minor and one.line.id not in staged:
            at = one.entitlement.valid_from if recurring and one.entitlement else order.accepted_at
            assert at is not None  # noqa: S101 - what is delivered began, what is accepted was accepted
            mark_delivered(uow, one.line.id, at=at)


def _charge(
    uow: UnitOfWork,
    order: Order,
    line: OrderLine,
    credit: Attribution,
    terms: SaleTerms,
    milestone: OrderMilestone | None = None,
) -> None:
    part = milestone or line
    assert order.payment_id is not None  # noqa: S101 - a paid order that costs something has its payment
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
            net_minor=part.net_minor,
            tax_minor=part.tax_minor,
            gross_minor=part.gross_minor,
            currency=line.currency,
            tax_rate_ppm=line.tax_rate_ppm,
            terms=ShareTerms(
                terms.policy_version,
                terms.commission_ppm,
                terms.promoter_ppm,
                terms.hold_days,
                terms.promoter_conflict,
                PinnedPromotion.read(terms.promotion) if terms.promotion is not None else None,
            ),
            part_reference=milestone.id if milestone is not None else None,
            line_net_minor=line.net_minor,
            selling_model=line.selling_model,
            supply_tax_rate_ppm=line.supply_tax_rate_ppm,
            supply_tax_category=line.supply_tax_category,
        ),
    )


def _deliver(
    uow: UnitOfWork,
    order: Order,
    line: OrderLine,
    buyer: Organization,
    deadline_at: datetime,
    user: EndCustomerOf | None,
    *,
    waits: bool,
) -> None:
    plan, first = line.plan, first_term_of(line.plan)
    entitlement_id = open_entitlement(
        uow,
        OpenEntitlement(
            reference=line.id,
            group_reference=order.id,
            buyer_org_id=line.buyer_org_id,
            seller_org_id=line.seller_org_id,
            listing_id=line.listing_id,
            plan_id=line.plan_id,
            connector_id=UUID(plan["connector_id"]) if plan["connector_id"] else None,
            title=plan["title"],
            title_en=plan["title_en"],
            seats=line.quantity if line.sold_by_seat else 0,
            term_months=line.term_months,
            trial_days=int(plan.get("trial_days") or 0),
            first_term=(first.starts_at, first.ends_at) if first is not None else None,
            data_kept_days=plan.get("data_kept_days"),
            time_zone=buyer.time_zone,
            deadline_at=deadline_at,
            end_customer=user,
            waits=waits,
            context=_user_context(uow, user)
            | {
                "order_id": str(order.id),
                "order_number": order.number,
                "order_line_id": str(line.id),
                "organization": {
                    "id": str(buyer.id),
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
    price = PlanPrice.model_validate(line.price) if line.price is not None else None
    if price is not None and price.metered:
        uow.flush()
        set_usage_terms(uow, entitlement_id, price)


def _user_context(uow: UnitOfWork, user: EndCustomerOf | None) -> dict[str, dict[str, str]]:
    """Of what a dealer ordered for another organization: who uses it. `organization` stays who bought it."""
    if user is None:
        return {}
    row = uow.session.get_one(Organization, user.org_id)
    said = {"id": str(row.id), "name": row.legal_name, "country": row.country.strip(), "locale": row.locale}
    return {"end_customer": said}
