"""Comments below a video."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from marketplace.reactions.comment_queries import CommentView


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
