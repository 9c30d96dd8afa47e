"""Facts about money going out."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class PayoutPaid(Event):
    """The gateway has sent the money."""

    topic: ClassVar[str] = "billing.payout_paid.v1"
    payout_id: UUID
    statement_id: UUID
    org_id: UUID
    amount_minor: int
    currency: str


class PayoutFailed(Event):
    """The gateway definitely did not send it; the statement may be paid again."""

    topic: ClassVar[str] = "billing.payout_failed.v1"
    payout_id: UUID
    statement_id: UUID
    org_id: UUID
    code: str


class PayoutReturned(Event):
    """Money that had been sent came back; its statement may be paid again."""

    topic: ClassVar[str] = "billing.payout_returned.v1"
    payout_id: UUID
    statement_id: UUID
    org_id: UUID
    code: str
