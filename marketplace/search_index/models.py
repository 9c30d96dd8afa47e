"""The words by which products, videos and channels are found."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base


class SearchEntry(Base):
    """One product, video or channel for as long as it is published.

    Not under row level security, which lets no index be asked for words (`@@` is not leakproof). What a search finds is
    joined with its own row, which is under it: an entry alone shows nothing to anybody.
    """

    __tablename__ = "search_entry"
    __table_args__ = (
        CheckConstraint("kind IN ('product', 'video', 'channel')", name="kind"),
        Index("ix_search_entry_words_version", "words_version"),
        Index("ix_search_entry_document", "document", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
        {"schema": "marketplace"},
    )
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    """A listing, a video or a channel."""
    kind: Mapped[str]
    audience_id: Mapped[UUID | None]
    """The organization that alone may find it (an internal video); None for everybody."""
    document: Mapped[Any] = mapped_column(TSVECTOR)
    """Lexemes of `segment.py`, weighted: A names, B who offers it, C summaries, D descriptions and spellings. Those of names
    stand there once more, marked as such and without a place."""
    words_version: Mapped[int]
    """`segment.VERSION` at which it was written; an older one is written anew by a sweep."""
