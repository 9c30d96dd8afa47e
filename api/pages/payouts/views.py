"""How parties are paid, and what goes out by bank, as pages show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from api.pages.frame.choices import Choice
from billing.connected_accounts.pay_to_account import PayableGatewayAccount
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class PayoutAccountItem:
    """An account of the party. ``trouble``: why nothing is paid to it; ``until``: when its hold ends."""

    currency: str
    rail: str
    bank_name: str
    holder: str
    account_last4: str
    trouble: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class PayoutScheduleItem:
    """When the party is paid in a currency; ``minimum`` None: any amount."""

    currency: str
    every: str
    day: int
    minimum: Money | None


@dataclass(frozen=True, slots=True)
class WaitingStatement:
    """A closed statement that is not paid yet, and what it waits for."""

    id: str
    number: str
    net: Money
    rail: str
    account_last4: str
    waits_for: str
    until: datetime | None
    on: date | None


@dataclass(frozen=True, slots=True)
class PayoutSettingsView:
    """Where and when a party is paid, and why something is not."""

    template: ClassVar[str] = "payouts/settings.html"
    active: ClassVar[str] = "seller_money"

    accounts: tuple[PayoutAccountItem, ...]
    schedules: tuple[PayoutScheduleItem, ...]
    waiting: tuple[WaitingStatement, ...]
    currencies: tuple[Choice, ...]
    typed: Mapping[str, str]
    is_seller: bool
    may_change: bool
    plays: bool
    """Whether an account of the sandbox may be named."""
    error: str | None = None
    error_field: str = ""
    offers: tuple[PayableGatewayAccount, ...] = ()
    """Accounts at gateways that payouts may go to."""


@dataclass(frozen=True, slots=True)
class PromoterPayoutSettingsView(PayoutSettingsView):
    """The same of whoever promotes and does not sell."""

    active: ClassVar[str] = "promoter"


@dataclass(frozen=True, slots=True)
class WaitingAmount:
    """What waits for a batch in one currency."""

    currency: str
    payouts: int
    amount: Money


@dataclass(frozen=True, slots=True)
class BatchItem:
    """A batch in the list."""

    id: str
    state: str
    payouts: int
    amount: Money
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ReportItem:
    """A file that a bank gave."""

    id: str
    file_name: str
    kind: str
    lines: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PayoutBatchesView:
    """What waits, what is under way, and what banks said."""

    template: ClassVar[str] = "payouts/batches.html"
    active: ClassVar[str] = "payout_batches"

    waiting: tuple[WaitingAmount, ...]
    rows: tuple[BatchItem, ...]
    reports: tuple[ReportItem, ...]
    next_address: str | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class BatchedItem:
    """A payout of a batch."""

    payout_id: str
    party: str
    statement_number: str
    bank: str
    account_last4: str
    amount: Money
    state: str
    error: str
    stale: bool


@dataclass(frozen=True, slots=True)
class PayoutBatchView:
    """One batch with its payouts, and what can be done with it."""

    template: ClassVar[str] = "payouts/batch.html"
    active: ClassVar[str] = "payout_batches"

    id: str
    state: str
    amount: Money
    rows: tuple[BatchedItem, ...]
    created_at: datetime
    approved_at: datetime | None
    sent_at: datetime | None
    execution_on: date
    second_person: bool
    plays: bool
    """Whether this installation moves no real money."""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ReportLineItem:
    """What a bank said of one transfer, and what followed."""

    position: int
    payout_id: str
    end_to_end_id: str
    says: str
    reason: str
    amount: Money | None
    outcome: str


@dataclass(frozen=True, slots=True)
class PayoutReportView:
    """A file that a bank gave, line by line; ``dry_run``: nothing followed from it."""

    template: ClassVar[str] = "payouts/report.html"
    active: ClassVar[str] = "payout_batches"

    kind: str
    file_name: str
    rows: tuple[ReportLineItem, ...]
    dry_run: bool
    is_new: bool
