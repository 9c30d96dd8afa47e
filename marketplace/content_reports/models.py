"""The table of reports."""

from __future__ import annotations

from typing import Final, Literal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.states import Machine, edges

ContentKind = Literal["comment", "review", "question", "answer", "video", "listing", "circle_post", "live_question"]
"""What can be reported. An answer goes by the id of its question, a post stands in its circle."""
KINDS: Final = (
    "comment",
    "review",
    "question",
    "answer",
    "video",
    "listing",
    "circle_post",
    "live_question",
)


class ContentReport(Base):
    """Somebody finds that the platform should look at something. Once a person, with what stood there then.

    `content_id` names a row of its kind's own table, `subject_id` the video, product or circle that it stands at.
    """

    __tablename__ = "content_report"
    __table_args__ = (
        UniqueConstraint("org_id", "person_id", "kind", "content_id"),
        CheckConstraint(
            "kind IN ('comment', 'review', 'question', 'answer', 'video', 'listing', 'circle_post', 'live_question')",
            name="kind",
        ),
        CheckConstraint("state IN ('open', 'upheld', 'dismissed')", name="state"),
        CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="decided"),
        Index("ix_content_report_org_id_person_id_created_at", "org_id", "person_id", "created_at"),
        Index("ix_content_report_person_id", "person_id"),
        Index("ix_content_report_author_org_id", "author_org_id"),
        Index("ix_content_report_author_person_id", "author_person_id"),
        Index("ix_content_report_kind_content_id", "kind", "content_id"),
        Index("ix_content_report_open", "created_at", "id", postgresql_where=text("state = 'open'")),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    kind: Mapped[str]
    content_id: Mapped[UUID]
    subject_id: Mapped[UUID]
    author_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    author_person_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    """None: it is the organization's own, not one person's."""
    author_name: Mapped[str]
    excerpt: Mapped[str]
    reason: Mapped[str]
    state: Mapped[str]
    decision_reason: Mapped[str] = mapped_column(default="", server_default="")
    decided_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]


CONTENT_REPORT = Machine(
    "marketplace.content_report", initial="open", edges=edges(open="upheld dismissed", upheld="", dismissed="")
)
"""Upheld: what was reported is gone. Dismissed: it stays."""
