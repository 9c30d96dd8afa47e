"""How a sale came about, as the share policy asks: first bought, bought again after it had ended, or at the price of an offer."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, cast, column, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB

from billing.shares.rules import DealType, Sale
from orders.checkout.priced_line import PricedLine
from orders.checkout.quote_models import Quote
from orders.order.models import OrderLine, Subscription

_line = func.jsonb_array_elements(Quote.lines).table_valued(column("value", JSONB))
_sellers = select(cast(_line.c.value["seller_org_id"].astext, Uuid)).correlate(Quote)
ENDED_BEFORE = (
    select(func.coalesce(func.array_agg(OrderLine.listing_id), literal_column("'{}'"), type_=ARRAY(Uuid)))
    .join(Subscription, Subscription.order_line_id == OrderLine.id)
    .where(
        Subscription.buyer_org_id == Quote.buyer_org_id,
        Subscription.seller_org_id.in_(_sellers),
        # Written out, as the index of those that have ended says it.
        Subscription.state == literal_column("'ended'"),
    )
    .correlate(Quote)
    .scalar_subquery()
)
"""Of a quote's statement: the products of its sellers of which the buyer had a subscription that has ended."""


def sale_of(buyer_org_id: UUID, line: PricedLine, ended: Collection[UUID]) -> Sale:
    """The sale of a line, before it is known which video sold it. `ended`: what `ENDED_BEFORE` says."""
    deal: DealType = "private_offer" if line.offered else "renewal" if line.listing_id in ended else "new"
    return Sale(line.kind, line.listing_id, line.seller_org_id, buyer_org_id, deal)
