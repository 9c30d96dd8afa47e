"""What waits for an approver, as a page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from api.pages.feed.views import FeedClaim
from kernel.money import Money


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
    own_request: bool = False


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
