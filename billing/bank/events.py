"""Facts about money that is sent by bank."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class TransferReminded(Event):
    """A transfer that was asked for has not come, and its time will be over."""

    topic: ClassVar[str] = "billing.transfer_reminded.v1"
    transfer_id: UUID
    payment_id: UUID
    reference: UUID
    payer_org_id: UUID
    remark_code: str


class AccountPurchasePaid(Event):
    """Nothing of a purchase on account is owed any more: its money has come, or it was taken back before."""

    topic: ClassVar[str] = "billing.account_purchase_paid.v1"
    transfer_id: UUID
    payment_id: UUID
    reference: UUID
    payer_org_id: UUID
