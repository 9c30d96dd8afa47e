"""The vertical line of the loop: one component for the order page and the trace."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

#: What a link of the chain is; its title is ``loop.<kind>``.
LinkKind = Literal[
    "touchpoint", "video", "placement", "attribution", "lead", "offer", "quote", "purchase", "approval", "order", "order_line",
    "payment", "charge", "run", "seat", "episode", "milestone", "entitlement", "subscription", "usage", "unbilled_order",
    "invoice", "credit_note", "ledger", "share", "statement", "commission_invoice", "payout", "refund", "refund_case",
    "payment_request", "dunning_notice", "awaited_payment", "sale_paper",
]  # fmt: skip
LinkState = Literal["done", "live", "waiting", "todo", "failed", "broken"]


@dataclass(frozen=True, slots=True)
class TimelineFact:
    """One labelled value beside a link; ``label`` is a key under ``fact.``, ``value`` is ready text.

    ``code``: an identifier, or the code behind the text, shown small and as what it is.
    """

    label: str
    value: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class TimelineAttempt:
    """One call to the seller's system, shown to those entitled. ``latency_ms`` is wall time of the call."""

    at: datetime
    state: Literal["ok", "accepted", "failed", "timeout", "unknown"]
    text: str
    latency_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """One fact of the chain. ``id`` is shown in short form and can be traced; ``text`` is a ready sentence."""

    kind: LinkKind
    state: LinkState
    at: datetime | None = None
    text: str = ""
    id: str = ""
    address: str | None = None
    facts: tuple[TimelineFact, ...] = ()
    attempts: tuple[TimelineAttempt, ...] = ()
    percent: int | None = None
    #: Why the chain is broken here: what was expected and not found.
    broken: str = ""
    #: What the tag says instead of the state's own word, as "Rejected" of an approval.
    tag: str = ""
    #: The link one started from (on the trace page).
    subject: bool = False
    #: The order line whose delivery it is: its progress is shown live.
    line: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Links in the order of the loop."""

    links: tuple[Link, ...]
