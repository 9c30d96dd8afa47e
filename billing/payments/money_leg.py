"""Where the money of a payment stands in the books: with its gateway, or, on account, as what the payer owes."""

from __future__ import annotations

from billing.credit_lines.models import ON_ACCOUNT
from billing.ledger.post import Leg
from billing.payments.models import Payment
from marketplace.parties.models import PLATFORM_ORG_ID


def money_leg(payment: Payment, minor: int) -> Leg:
    """`minor` more (negative: less) of what its gateway has, or of what is owed."""
    if payment.gateway == ON_ACCOUNT:
        return Leg(payment.payer_org_id, "receivable", minor)
    return Leg(PLATFORM_ORG_ID, "gateway_cash", minor, payment.gateway)
