"""What a trace is: recorded facts in the order they follow from each other, with the gaps marked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Node:
    """One recorded fact. `facts` holds ids, states and amounts in minor units; never a person of the other side."""

    kind: str
    id: UUID
    at: datetime | None
    state: str | None = None
    title: str = ""
    title_en: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    after: tuple[UUID, ...] = ()
    """Ids of the nodes this one follows from."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A link that ought to be there and is not: after which node, and which kind is missing."""

    after: UUID
    missing: str


@dataclass(frozen=True, slots=True)
class Trace:
    """A chain around one id, as one principal may see it."""

    asked_kind: str
    asked_id: UUID
    nodes: tuple[Node, ...]
    gaps: tuple[Gap, ...]

    @property
    def is_whole(self) -> bool:
        """Whether every link that ought to be there is."""
        return not self.gaps


RANK = {
    kind: position
    for position, kind in enumerate(
        (
            "touchpoint",
            "video",
            "placement",
            "attribution",
            "lead",
            "offer",
            "quote",
            "purchase",
            "approval",
            "order",
            "order_line",
            "payment",
            "payment_request",
            "dunning_notice",
            "awaited_payment",
            "sale_paper",
            "charge",
            "entitlement",
            "run",
            "seat",
            "episode",
            "milestone",
            "subscription",
            "usage",
            "unbilled_order",
            "invoice",
            "refund_case",
            "refund",
            "credit_note",
            "share",
            "statement",
            "commission_invoice",
            "payout",
            "ledger_transaction",
        )
    )
}
"""The order in which a chain is read, from the second of a video to the cent of a payout."""
