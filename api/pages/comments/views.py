"""Comments below a video, and those that the platform is to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fulfillment.customer_reviews.queries import ReportedReview
from marketplace.reactions.comment_queries import CommentView, ReportedComment


@dataclass(frozen=True, slots=True)
class CommentsView:
    """What was written below a video, and the form to write. ``typed`` is what was refused, kept."""

    template: ClassVar[str] = "comments/comments.html"
    active: ClassVar[str] = "feed"

    video_id: str
    title: str
    rows: tuple[CommentView, ...]
    most: int
    typed: str = ""
    error: str | None = None
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class ReportedCommentsView:
    """What the platform is to look at, what waits longest first."""

    template: ClassVar[str] = "comments/reported.html"
    active: ClassVar[str] = "operator_comments"

    rows: tuple[ReportedComment, ...]
    reviews: tuple[ReportedReview, ...] = ()
