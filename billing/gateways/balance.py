"""What a gateway says of its own balance: every movement of it, with its fee, and what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from kernel.money import Money

EntryKind = Literal[
    "payment",
    "payment_returned",
    "refund",
    "refund_returned",
    "dispute",
    "dispute_returned",
    "transfer",
    "transfer_returned",
    "bank",
    "cost",
    "other",
]
"""`bank`: between the balance and the platform's own bank account. `cost`: charged by the gateway itself."""


@dataclass(frozen=True, slots=True)
class BalanceEntry:
    """A movement of the balance: positive came in. The balance changes by `amount` less `fee_minor`, in one currency.

    `presented` is what the operation was over, as our rows have it, with the sign of `amount`; another currency than the
    balance's where the gateway has exchanged it.
    """

    reference: str
    kind: EntryKind
    reported_as: str
    """The gateway's own word for the kind."""
    amount: Money
    fee_minor: int
    made_at: datetime
    subject: str = ""
    """What the gateway calls the payment, refund, dispute or transfer it belongs to."""
    payment_reference: str = ""
    presented: Money | None = None
    exchange_rate: str | None = None
    attempt: str | None = None
    """Our key, where the gateway was given one."""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BalancePage:
    """Some of the entries, no order promised, some perhaps told before. `resume` is handed in the next time."""

    entries: tuple[BalanceEntry, ...]
    resume: str
    has_more: bool


@dataclass(frozen=True, slots=True)
class HeldMoney:
    """What the gateway holds for the platform in a currency; `pending_minor` cannot be moved yet."""

    currency: str
    available_minor: int
    pending_minor: int


class GatewayBalance(Protocol):
    """Raises as `PaymentGateway` does; never called inside a unit of work."""

    def list_entries(self, resume: str) -> BalancePage:
        """Entries that were made since; `resume` is empty the first time. An entry may come twice, and is never left out."""

    def held(self) -> tuple[HeldMoney, ...]:
        """What it holds now, per currency."""
