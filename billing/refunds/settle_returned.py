"""A refund that came back was paid to its buyer in another way."""

from __future__ import annotations

from uuid import UUID

from billing.ledger.post import Fact, Leg, post
from billing.refunds.models import REFUND, Refund
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from marketplace.parties.models import PLATFORM_ORG_ID


def settle_returned(uow: UnitOfWork, refund_id: UUID) -> None:
    """The buyer has its money: its credit is gone, and what was paid from elsewhere stands in suspense.

    Locks: the refund. Idempotent by: its state.
    """
    refund = lock_row(uow.session, Refund, refund_id)
    if refund is None or refund.state != "returned":
        return
    REFUND.move(uow, refund, "settled", org_ids=[refund.buyer_org_id, refund.seller_org_id], reason="paid_otherwise")
    legs = [
        Leg(refund.buyer_org_id, "buyer_credit", refund.money_minor),
        Leg(PLATFORM_ORG_ID, "suspense", -refund.money_minor),
    ]
    post(uow, Fact(f"refund:{refund.id}:settled", "refund_settled", refund.id, refund.currency, clock.now(), legs))
