"""What happens in a market's past: each act is one step, done at its instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Seen = Literal["bought_inside", "clicked", "viewed", "never"]
"""How the buyer came to what it bought: in the player, after a click, after a view, or without a video."""


@dataclass(frozen=True, slots=True)
class Join:
    """An organization registers; a seller lists its products, too."""

    organization: str


@dataclass(frozen=True, slots=True)
class Post:
    """A clip is uploaded and published."""

    clip: str


@dataclass(frozen=True, slots=True)
class Browse:
    """Visitors look at videos for a day. `seed` decides at which."""

    seed: int


@dataclass(frozen=True, slots=True)
class Buy:
    """A purchase. It is found again by its buyer and PO number."""

    buyer: str
    po_number: str
    product: str
    quantity: int = 1
    method: str = "sbx_ok"
    clip: str | None = None
    seen: Seen = "never"


@dataclass(frozen=True, slots=True)
class Decide:
    """The approver decides, if the purchase waits for that."""

    buyer: str
    po_number: str
    reason: str | None = None
    """Of a rejection; None approves."""


@dataclass(frozen=True, slots=True)
class PayAgain:
    """After a failed payment, another method."""

    buyer: str
    po_number: str


@dataclass(frozen=True, slots=True)
class Accept:
    """The buyer accepts a service."""

    buyer: str
    po_number: str


@dataclass(frozen=True, slots=True)
class AskRefund:
    """The buyer asks for money back: `percent` of the order, 100 for all that is left."""

    buyer: str
    po_number: str
    percent: int
    reason: str


@dataclass(frozen=True, slots=True)
class Behave:
    """A seller's system works from now on, refuses, or fails."""

    vendor: str
    how: Literal["well", "refuses", "fails"]


@dataclass(frozen=True, slots=True)
class PayOuts:
    """The operator pays the closed statements, but for those of `not_yet`; `closed_account`: whose bank refuses."""

    not_yet: tuple[str, ...] = ()
    closed_account: str | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """The scheduler does what is due."""


Act = Join | Post | Browse | Buy | Decide | PayAgain | Accept | AskRefund | Behave | PayOuts | Tick


@dataclass(frozen=True, slots=True)
class Step:
    """An act and its instant."""

    at: datetime
    act: Act
