"""What has the words that are asked for, as a condition on another query."""

from __future__ import annotations

from typing import Any

from sqlalchemy import cast, false, literal, or_, select
from sqlalchemy.dialects.postgresql import TSQUERY

from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from marketplace.search_index.entries import Kind
from marketplace.search_index.models import SearchEntry
from marketplace.search_index.query import containing_query


def found_by_words(uow: UnitOfWork, text: str, kind: Kind) -> Any:
    """The ids of what has every word of `text`: nothing for a text without words. Whoever asks joins their own rows.

    Raises: Invalid(`validation_failed`) for what no text can hold.
    """
    if "\0" in text:
        raise Invalid("validation_failed", field="q")
    words = containing_query(text)
    found = select(SearchEntry.subject_id).where(SearchEntry.kind == kind)
    if not words:
        return found.where(false())
    return found.where(
        SearchEntry.document.bool_op("@@")(cast(literal(words), TSQUERY)),
        or_(SearchEntry.audience_id.is_(None), SearchEntry.audience_id == uow.principal.org_id),
    )
