"""What waits for an approver, as a page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Literal

from api.pages.feed.views import FeedClaim
from api.pages.frame.choices import Choice
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class StepShown:
    """A step of a purchase as a sentence, and where it stands."""

    text: str
    state: Literal["done", "now", "later"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DeputyShown:
    """Somebody who stands in for somebody, and what ending it says."""

    id: str
    text: str
    starts_on: date
    ends_on: date
    confirm: str
    may_end: bool


@dataclass(frozen=True, slots=True)
class DeputyTyped:
    """What the form for a deputy holds."""

    deputy_id: str = ""
    starts_on: str = ""
    ends_on: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """A purchase waiting for a decision, with all that deciding needs in view."""

    purchase_id: str
    lines: tuple[str, ...]
    seller_name: str
    gross: Money
    term: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    reasons: tuple[str, ...]
    note: str
    claims: tuple[FeedClaim, ...]
    video_title: str = ""
    video_src: str = ""
    poster: str = ""
    clip_from_s: int = 0
    clip_to_s: int = 0
    steps: tuple[StepShown, ...] = ()
    step: int = 1
    """The number of the one that waits."""
    next_decider: str = ""
    """Who decides after this step; empty for the last, after which it is paid."""
    parts: tuple[str, ...] = ()
    """How list prices of several parts came about."""
    outside: tuple[str, ...] = ()
    """What is asked outside of it, in sentences."""
    blocked: str = ""
    """Why the reader does not decide it; empty when they may."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision already taken."""

    purchase_id: str
    listing_name: str
    gross: Money
    asked_by: str
    approved: bool
    reason: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class ApprovalsView:
    """The approver's inbox: what waits first, then what was decided."""

    template: ClassVar[str] = "approvals/approvals.html"
    active: ClassVar[str] = "approvals"

    waiting: tuple[ApprovalRequest, ...]
    count: int
    decided: tuple[Decision, ...] = ()
    next_address: str | None = None
    deputies: tuple[DeputyShown, ...] = ()
    colleagues: tuple[Choice, ...] = ()
    """Who may be appointed."""
    typed: DeputyTyped = DeputyTyped()
    today: str = ""
    error: str = ""
    error_field: str = ""
