"""Facts about comments."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class CommentAdded(Event):
    """Somebody of the organization wrote below a video."""

    topic: ClassVar[str] = "marketplace.comment_added.v1"
    comment_id: UUID
    org_id: UUID
