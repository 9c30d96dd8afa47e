"""One corruption for every rule about who sold a line to the buyer: nothing else is wrong afterwards."""

from __future__ import annotations

from tests.service.verify.planting import PLATFORM, Planter
from tests.verify_world import World


def ledger_tax_payable(p: Planter, _: World) -> None:
    p.book((PLATFORM, "tax_payable", -1), (PLATFORM, "gateway_fee", 1))


def lines_selling_model(p: Planter, _: World) -> None:
    p.change("UPDATE marketplace.listing_version SET selling_model = 'agency' WHERE selling_model = 'reseller'")


def invoices_issued_by(p: Planter, _: World) -> None:
    """Of a sale without tax nothing but the document says who sold it."""
    untaxed = "SELECT {} FROM orders.order_line WHERE tax_reason = 'cn_export' AND plan->>'title' = '出口版'"
    line = untaxed.format("id")
    for table, which in (
        ("marketplace.listing_version", f"id = ({untaxed.format('listing_version_id')})"),
        ('orders."order"', f"id = ({untaxed.format('order_id')})"),
    ):
        p.change(f"UPDATE {table} SET selling_model = 'reseller' WHERE {which}")
    for table, which in (("billing.charge", f"reference = ({line})"), ("orders.order_line", f"id = ({line})")):
        supply = "supply_tax_rate_ppm = 60000, supply_tax_category = 'S'"
        p.change(f"UPDATE {table} SET selling_model = 'reseller', {supply} WHERE {which}")


def statements_supplied(p: Planter, _: World) -> None:
    p.change("UPDATE billing.statement_line SET kind = 'sale' WHERE kind = 'supply'")
