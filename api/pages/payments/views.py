"""The sandbox's bank as a page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

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
