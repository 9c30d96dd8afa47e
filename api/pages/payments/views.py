"""The sandbox's bank, and a transfer that was asked for, as pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from billing.bank.queries import TransferView
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class ConfirmPaymentView:
    """A payment that waits for its payer's word at the sandbox's bank. Without one by
    ``deadline_at`` it is withdrawn.
    """

    template: ClassVar[str] = "payments/confirm.html"
    active: ClassVar[str] = "orders"

    payment_id: str
    order_id: str
    order_number: str
    listing_name: str
    amount: Money
    deadline_at: datetime


@dataclass(frozen=True, slots=True)
class TransferPage:
    """What a payer is to send, where to, and by which code it is recognised."""

    template: ClassVar[str] = "payments/transfer.html"
    active: ClassVar[str] = "orders"

    found: TransferView
    order_id: str
    amount: Money
    missing: Money | None
    """What has not come yet, where a part has."""
    locale: str
    may_withdraw: bool
    error: str | None = None
