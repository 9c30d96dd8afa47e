"""The operator's dashboard: queues with ages, reviews, settlement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from billing.payouts.outlook import PayoutOutlook
from billing.payouts.queries import Account
from kernel.money import Money
from marketplace.onboarding.queries import PayoutAccountView


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue: its name is ``queue.<key>``. ``late`` says the oldest is over its promised age."""

    key: str
    count: int
    oldest_s: int | None
    late: bool
    address: str | None = None


@dataclass(frozen=True, slots=True)
class DeadRun:
    """A run that gave up, on the operator's first screen."""

    id: str
    order_id: str
    order_number: str
    seller_name: str
    buyer_name: str
    listing_name: str
    attempts: int
    waiting_s: int
    gross: Money
    error: str


@dataclass(frozen=True, slots=True)
class Health:
    """One measured thing: ``health.<key>``; ``value`` is ready text."""

    key: str
    value: str
    ok: bool


@dataclass(frozen=True, slots=True)
class Review:
    """A listing version that waits for a decision. ``plans`` are ready texts with their prices."""

    listing_id: str
    name: str
    seller_name: str
    kind: str
    version: int
    waiting_s: int
    summary: str
    plans: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeadJobRow:
    """Background work that was given up."""

    id: str
    kind: str
    attempts: int
    waiting_s: int
    error: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """A statement on the operator's dashboard; ``payable`` shows the button that pays it.

    ``account`` is where its party was paid last, for the operator to confirm; ``bank`` the account the party gave;
    ``outlook`` says by which way it would be paid, or why not. ``by_name``: an account at a gateway may be named by hand.
    """

    id: str
    number: str
    party: str
    net: Money
    state: str
    closed_at: datetime
    payable: bool
    account: Account | None = None
    bank: PayoutAccountView | None = None
    outlook: PayoutOutlook | None = None
    by_name: bool = False


@dataclass(frozen=True, slots=True)
class IncidentItem:
    """A movement at a gateway that nobody asked for. ``kind`` chooses its words; ``loss`` is what nobody bears of it."""

    id: str
    kind: str
    subject_id: str
    gateway: str
    reference: str
    amount: Money
    loss: Money | None
    code: str
    waiting_s: int
    resendable: bool
    """A refund that came back: it can go the same way again, and is settled by hand with evidence."""


@dataclass(frozen=True, slots=True)
class DisputeItem:
    """A disputed payment; the bank has yet to decide."""

    id: str
    payment_id: str
    gateway: str
    reference: str
    amount: Money
    reason: str
    waiting_s: int


@dataclass(frozen=True, slots=True)
class WebhookItem:
    """A webhook that was put aside. ``needs_person``: asking the gateway again is of no use."""

    id: str
    kind: str
    gateway: str
    reference: str
    subject_id: str | None
    needs_person: bool
    waiting_s: int


@dataclass(frozen=True, slots=True)
class BounceItem:
    """An address that takes no mail: ``bounce.<reason>``, and what its server said."""

    email: str
    reason: str
    reply: str
    kind: str
    refusals: int
    waiting_s: int


@dataclass(frozen=True, slots=True)
class InstallationClock:
    """The sandbox's clock: what time the market thinks it is, and by how much that is ahead."""

    now: datetime
    ahead_s: int


@dataclass(frozen=True, slots=True)
class OperatorView:
    """The operator's first screen. ``clock`` only in the sandbox; ``error`` is a ready sentence."""

    template: ClassVar[str] = "operator/operator.html"
    active: ClassVar[str] = "operator"

    queues: tuple[Queue, ...]
    runs: tuple[DeadRun, ...] = ()
    health: tuple[Health, ...] = ()
    reviews: tuple[Review, ...] = ()
    jobs: tuple[DeadJobRow, ...] = ()
    settlements: tuple[Settlement, ...] = ()
    incidents: tuple[IncidentItem, ...] = ()
    disputes: tuple[DisputeItem, ...] = ()
    webhooks: tuple[WebhookItem, ...] = ()
    bounces: tuple[BounceItem, ...] = ()
    gateways: tuple[str, ...] = ()
    may_settle: bool = False
    may_review: bool = False
    clock: InstallationClock | None = None
    error: str | None = None
