"""The rows of an order, from priced lines: whatever is sold first and whatever is renewed. Pure; nothing is written here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from kernel import clock
from kernel.ids import uuid7
from marketplace.parties.lookups import InvoiceTitle
from orders.checkout.models import Purchase
from orders.checkout.priced_line import PricedLine, totals
from orders.order.models import Order, OrderLine

COPIED = (
    "listing_id",
    "listing_version_id",
    "plan_id",
    "pricing",
    "interval",
    "term_months",
    "quantity",
    "currency",
    "unit_price_minor",
    "price",
    "list_minor",
    "discount_minor",
    "net_minor",
    "tax_rate_ppm",
    "tax_category",
    "tax_reason",
    "tax_included",
    "selling_model",
    "supply_tax_rate_ppm",
    "supply_tax_category",
    "tax_minor",
    "gross_minor",
    "refund_window_days",
)
"""Columns an order line takes from the quote as they are."""


def profile_as_kept(title: InvoiceTitle) -> dict[str, Any]:
    """An invoice title (发票抬头) as a purchase keeps it."""
    return {name: str(value) if isinstance(value, UUID) else value for name, value in asdict(title).items()}


def order_row(purchase: Purchase, lines: Sequence[PricedLine], buyer_name: str) -> Order:
    """The order of a purchase with the seller of these lines: one party invoices all, and one uses all. It has no state yet."""
    order_id = uuid7()
    net_minor, tax_minor, gross_minor = totals(list(lines))
    return Order(
        id=order_id,
        number=f"{clock.today(lines[0].seller_time_zone):%Y%m%d}-{order_id.hex[-10:].upper()}",
        buyer_org_id=purchase.buyer_org_id,
        seller_org_id=lines[0].seller_org_id,
        buyer_name=buyer_name,
        seller_name=lines[0].seller_name,
        purchase_id=purchase.id,
        po_number=purchase.po_number,
        selling_model=lines[0].selling_model,
        end_customer_org_id=lines[0].end_customer.org_id if lines[0].end_customer else None,
        end_customer_id=lines[0].end_customer.end_customer_id if lines[0].end_customer else None,
        currency=purchase.currency,
        net_minor=net_minor,
        tax_minor=tax_minor,
        gross_minor=gross_minor,
        payment_id=None,
        deadline_at=purchase.deadline_at,
        paid_at=None,
        active_at=None,
        accepted_at=None,
        failure=None,
        created_at=purchase.created_at,
        lead_id=None,
        offer_id=None,
        subscription_id=None,
        usage_period_id=None,
        instalment_id=None,
    )


def line_row(line_id: UUID, order: Order, line: PricedLine) -> OrderLine:
    """A line of an order: everything financial is copied."""
    return OrderLine(
        id=line_id,
        order_id=order.id,
        buyer_org_id=order.buyer_org_id,
        seller_org_id=order.seller_org_id,
        plan={
            key: value
            for key, value in line.model_dump(mode="json").items()
            if key.startswith(("title", "plan_"))
            or (key.startswith("coupon") and line.coupon_id is not None)
            or key in {"category", "features", "connector_id", "deadline_s", "data_kept_days", "seller_name"}
        }
        | {
            name: getattr(line, name)
            for name in ("renewal_lead_days", "contract_terms", "offered")
            if getattr(line, name)
        }
        | ({"issuer_name": line.issuer_name} if line.issuer_name else {})
        | ({"tier": line.tier.model_dump(mode="json")} if line.tier is not None else {})
        | ({"end_customer": line.end_customer.model_dump(mode="json")} if line.end_customer is not None else {})
        | ({"home_rate_ppm": line.home_rate_ppm, "untaxed_price": line.untaxed_price} if line.home_rate_ppm else {})
        | _begun(line)
        | _instalments(line),
        price_lines=[one.model_dump(mode="json", exclude_defaults=True) for one in line.price_lines],
        claims=[claim.model_dump(mode="json") for claim in line.claims],
        **{name: getattr(line, name) for name in COPIED},
    )


def _begun(line: PricedLine) -> dict[str, Any]:
    """Of a line whose first term is no whole one when that ends; of a trial how long it is, and what it costs afterwards."""
    if line.first_term is not None:
        return {"first_term": line.first_term.model_dump(mode="json")}
    if line.trial is None:
        return {}
    return {"trial_days": line.trial.days, "trial_after_minor": line.trial.after.gross_minor}


def _instalments(line: PricedLine) -> dict[str, list[dict[str, int]]]:
    """Of a term that is paid in instalments, all of them (`PricedLine.instalments`)."""
    return {"instalments": [part.model_dump() for part in line.instalments]} if line.instalments else {}
