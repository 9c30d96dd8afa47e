"""The reviewer's desk as pages show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from api.pages.frame.choices import Choice
from api.pages.listings.compared import Change
from api.pages.listings.shown import ShownListing
from marketplace.catalog.review_desk import SaleChange


@dataclass(frozen=True, slots=True)
class WaitingVersion:
    """A version that waits for a decision; `changes` counts what differs from the one on sale, None for a first one."""

    listing_id: str
    name: str
    seller_name: str
    kind: str
    version: int
    waiting_s: int
    late: bool
    again: bool
    """Whether it was returned before."""


@dataclass(frozen=True, slots=True)
class SoldListing:
    """A listing that is, or was, on sale."""

    listing_id: str
    name: str
    seller_name: str
    state: str
    version: int


@dataclass(frozen=True, slots=True)
class ReviewQueueView:
    """Everything that waits, the longest first, and listings to look up."""

    template: ClassVar[str] = "reviews/review_queue.html"
    active: ClassVar[str] = "reviews"

    waiting: tuple[WaitingVersion, ...]
    listings: tuple[SoldListing, ...]
    query: str = ""
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class ReasonField:
    """A field that a reviewer may return, with what was chosen and written for it."""

    field: str
    label: str
    code: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class ReviewView:
    """One listing before its reviewer: what waits, what it changes, and the two ways to decide.

    `seen` names the content on this page; a decision is about exactly that. `notes` are texts written so far.
    """

    template: ClassVar[str] = "reviews/review.html"
    active: ClassVar[str] = "reviews"

    listing_id: str
    name: str
    seller_name: str
    state: str
    version_state: str
    version: int
    published: int | None
    waiting_s: int
    late: bool
    seen: str
    shown: ShownListing
    changes: tuple[Change, ...] | None
    before: tuple[str, ...]
    """What it was returned for before, as ready sentences."""
    found: tuple[str, ...]
    """What the automatic checks find now."""
    fields: tuple[ReasonField, ...]
    reasons: tuple[Choice, ...]
    checklist: tuple[str, ...]
    ticked: Mapping[str, str]
    customers: int
    cards: int
    sale_changes: tuple[SaleChange, ...] = ()
    reason: str = ""
    error: str | None = None
