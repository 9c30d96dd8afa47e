"""The gateways' balances beside our books, as an operator sees them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from kernel.money import Money


@dataclass(frozen=True, slots=True)
class BalanceLine:
    """A gateway and a currency. ``difference`` is zero where both say the same."""

    gateway: str
    held: Money
    pending: Money
    booked: Money
    waiting: Money
    difference: Money


@dataclass(frozen=True, slots=True)
class ReadingLine:
    """How far a gateway was read; ``trouble`` is a code where the last try brought nothing."""

    gateway: str
    read_at: datetime | None
    trouble: str


@dataclass(frozen=True, slots=True)
class EntryLine:
    """A movement at the gateway that is not booked here yet."""

    gateway: str
    kind: str
    reference: str
    subject: str
    net: Money
    made_at: datetime


@dataclass(frozen=True, slots=True)
class HeldAccountLine:
    """A party's account that nothing may be sent to; ``needs`` are words under ``connect.need``."""

    party: str
    gateway: str
    state: str
    needs: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class GatewayBalancesView:
    """The comparison, how far was read, and what waits."""

    template: ClassVar[str] = "gateway_balances/balances.html"
    active: ClassVar[str] = "operator_balances"

    lines: tuple[BalanceLine, ...]
    readings: tuple[ReadingLine, ...]
    waiting: tuple[EntryLine, ...]
    accounts: tuple[HeldAccountLine, ...] = ()
    may_read: bool = False
    next_address: str | None = None
    error: str | None = None
