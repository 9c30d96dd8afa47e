"""One corruption for every rule about what documents say besides their amounts."""

from __future__ import annotations

from tests.service.verify.planting import Planter
from tests.verify_world import World


def invoices_accounting_tax(p: Planter, _: World) -> None:
    p.change(
        """UPDATE billing.invoice SET accounting_tax = jsonb_build_object(
               'currency', 'EUR', 'tax_minor', 1, 'rates', jsonb_build_array(jsonb_build_object(
                   'base', 'EUR', 'quote', 'CNY', 'rate', '0.0001', 'on', '2026-11-20', 'source', 'ECB')))
           WHERE kind = 'invoice' AND tax_minor > 0"""
    )
