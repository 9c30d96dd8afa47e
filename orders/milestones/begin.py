"""A service that was paid for: its milestones, each charged for itself, wait for the seller to take the order on."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, select

from fulfillment.connectors.models import ConnectorRow
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from marketplace.catalog.models import Listing
from marketplace.courses.models import CourseEpisode
from marketplace.pricing.components import Milestone as Step
from marketplace.pricing.components import Milestones, PlanPrice
from orders.milestones.split_line import split_line
from orders.order.milestones import MILESTONE, OrderMilestone
from orders.order.models import Order, OrderLine

WHOLE = "service"
"""Code of the only milestone of a service whose plan names none."""


def begin_milestones(uow: UnitOfWork, order: Order, line: OrderLine, deadline_at: datetime) -> list[OrderMilestone]:
    """Write down in which milestones a paid line is delivered; none for what its seller's system delivers as a whole.

    They add up to the line. Until `deadline_at` the seller takes the order on, or it is refunded.
    """
    terms = _terms_of(uow, line)
    if terms is None:
        return []
    weights = [step.amount_minor for step in terms.steps]
    parts = split_line(line.net_minor, line.tax_minor, line.tax_rate_ppm, weights)
    rows = []
    for position, (step, part) in enumerate(zip(terms.steps, parts, strict=True), 1):
        row = OrderMilestone(
            id=uuid7(),
            buyer_org_id=order.buyer_org_id,
            seller_org_id=order.seller_org_id,
            order_id=order.id,
            order_line_id=line.id,
            position=position,
            code=step.code,
            name=step.name,
            name_en=step.name_en,
            days=step.days,
            accept_days=terms.accept_days,
            net_minor=part.net_minor,
            tax_minor=part.tax_minor,
            gross_minor=part.gross_minor,
            currency=line.currency,
            version=0,
            deadline_at=deadline_at,
            created_at=clock.now(),
        )
        MILESTONE.begin(uow, row, org_ids=order.parties)
        rows.append(uow.add(row))
    return rows


def _terms_of(uow: UnitOfWork, line: OrderLine) -> Milestones | None:
    """As the plan names them. A service that no system delivers has one milestone, of the whole price."""
    if line.term_months:
        return None
    price = PlanPrice.model_validate(line.price) if line.price is not None else None
    if price is not None and price.milestones is not None:
        return price.milestones
    if not _is_done_by_people(uow, line):
        return None
    return Milestones(kind="milestones", steps=(Step(code=WHOLE, amount_minor=line.list_minor),))


def _is_done_by_people(uow: UnitOfWork, line: OrderLine) -> bool:
    connector_id = line.plan["connector_id"]
    service = exists().where(Listing.id == line.listing_id, Listing.kind == "service")
    system = exists().where(ConnectorRow.id == UUID(connector_id), ConnectorRow.kind != "none")
    # A course is delivered by its videos being there.
    course = exists().where(CourseEpisode.listing_id == line.listing_id)
    return bool(connector_id and uow.session.scalar(select(service & ~system & ~course)))
