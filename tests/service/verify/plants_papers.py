"""One corruption for every rule about the papers of a sale besides its first invoice: nothing else is wrong afterwards."""

from __future__ import annotations

from tests.service.verify.planting import Planter
from tests.verify_world import World


def invoices_corrected(p: Planter, _: World) -> None:
    p.change(
        "UPDATE billing.invoice SET corrects_invoice_id = NULL WHERE corrects_invoice_id IS NOT NULL AND month IS NULL"
    )


def papers_received(p: Planter, _: World) -> None:
    p.change(
        """UPDATE orders.sale_paper SET subject_id = (SELECT id FROM billing.payment WHERE captured_at IS NULL LIMIT 1)
           WHERE kind = 'receipt'"""
    )


def papers_statements_chained(p: Planter, _: World) -> None:
    p.change("UPDATE orders.buyer_statement SET content = replace(content, '\"amount_minor\":', '\"amount_minor\": ')")
