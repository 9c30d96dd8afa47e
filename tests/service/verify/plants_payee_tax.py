"""One corruption for every rule of payees' tax years."""

from __future__ import annotations

from tests.service.verify.planting import Planter
from tests.verify_world import World


def payee_tax_sales(p: Planter, _: World) -> None:
    p.change("UPDATE billing.share SET captured_at = captured_at - interval '1 year' WHERE kind = 'seller'")


def payee_tax_payouts(p: Planter, _: World) -> None:
    p.change("UPDATE billing.payout SET paid_at = paid_at - interval '1 year' WHERE state = 'paid'")


def payee_tax_commissions(p: Planter, _: World) -> None:
    p.change("UPDATE billing.statement_line SET kind = 'sale' WHERE kind = 'promotion'")
