"""Keyset pagination: an opaque cursor over (created_at, id), stable while rows are added; no total by default."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, tuple_

from kernel.errors import Invalid

T = TypeVar("T")
MAX_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows and the cursor of the next page, None at the end."""

    items: Sequence[T]
    next_cursor: str | None


def encode(at: datetime, row_id: UUID) -> str:
    """The cursor that continues after this row."""
    return base64.urlsafe_b64encode(f"{at.isoformat()}|{row_id}".encode()).decode().rstrip("=")


def decode(cursor: str) -> tuple[datetime, UUID]:
    """Raises Invalid(`cursor_invalid`) for anything this service did not hand out."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        at, _, row_id = raw.partition("|")
        instant = datetime.fromisoformat(at)
        if instant.tzinfo is None:
            raise Invalid("cursor_invalid", field="cursor")
        return instant, UUID(row_id)
    except ValueError as error:
        raise Invalid("cursor_invalid", field="cursor") from error


def newest_first(
    statement: Select[Any],
    at: ColumnElement[Any] | Any,
    row_id: ColumnElement[Any] | Any,
    cursor: str | None,
    limit: int,
) -> Select[Any]:
    """Order by (at, id) descending, after `cursor`, one row more than `limit` so that `cut` sees whether more follow."""
    if cursor:
        statement = statement.where(tuple_(at, row_id) < tuple_(*decode(cursor)))
    return statement.order_by(at.desc(), row_id.desc()).limit(bounded(limit) + 1)


def cut(rows: Sequence[T], limit: int, key: Callable[[T], tuple[datetime, UUID]]) -> Page[T]:
    """The page of at most `limit` rows and, when one more was found, the cursor that continues after the last."""
    size = bounded(limit)
    if len(rows) <= size:
        return Page(list(rows), None)
    kept = list(rows[:size])
    return Page(kept, encode(*key(kept[-1])))


def bounded(limit: int) -> int:
    """`limit` within 1…100."""
    return max(1, min(limit, MAX_LIMIT))
