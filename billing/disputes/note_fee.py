"""What a gateway has kept for a dispute, as it says by now."""

from __future__ import annotations

from billing.disputes.models import Dispute
from billing.ledger.post import Fact, Leg, post
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.money import Money
from marketplace.parties.models import PLATFORM_ORG_ID


def note_fee(uow: UnitOfWork, dispute: Dispute, fee: Money) -> bool | None:
    """Book what is kept more, or less, than was known of a locked dispute. Returns whether that is news; None when it is said in
    another currency than before, so that nothing can be said of the difference.
    """
    if (fee.amount_minor, fee.currency) == (dispute.fee_minor, dispute.fee_currency or fee.currency):
        return False
    if dispute.fee_currency not in {None, fee.currency}:
        return None
    more_minor = fee.amount_minor - dispute.fee_minor
    dispute.fee_minor, dispute.fee_currency = fee.amount_minor, fee.currency
    dispute.fee_changes += 1
    legs = [
        Leg(PLATFORM_ORG_ID, "gateway_fee", more_minor),
        Leg(PLATFORM_ORG_ID, "gateway_cash", -more_minor, dispute.gateway),
    ]
    key = f"dispute:{dispute.id}:fee:{dispute.fee_changes}"
    post(uow, Fact(key, "dispute_fee", dispute.id, fee.currency, clock.now(), legs))
    return True
