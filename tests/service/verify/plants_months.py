"""One corruption for every rule about consolidated invoices: nothing else is wrong afterwards."""

from __future__ import annotations

from tests.service.verify.planting import Planter
from tests.verify_world import World


def invoices_consolidated(p: Planter, _: World) -> None:
    p.change("UPDATE billing.invoice_line SET order_number = 'of nobody' WHERE order_id IS NOT NULL")


def invoices_waiting(p: Planter, _: World) -> None:
    p.change("UPDATE orders.unbilled_order SET due_at = due_at - interval '40 days' WHERE settled_at IS NULL")
