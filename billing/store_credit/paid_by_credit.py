"""The answer of a gateway that is not asked: credit pays all of a payment, or takes all of a refund."""

from __future__ import annotations

from uuid import UUID

from billing.gateways.ports import GatewayAnswer, GatewayStatus
from billing.gateways.result import GatewayResult
from billing.store_credit.models import STORE_CREDIT
from kernel.money import Money


def paid_by_credit(attempt_id: UUID, currency: str) -> GatewayResult:
    """Done, and no money moved."""
    done = GatewayAnswer(
        reference=f"{STORE_CREDIT}:{attempt_id}", status=GatewayStatus.SUCCEEDED, amount=Money(0, currency)
    )
    return GatewayResult(answer=done)
