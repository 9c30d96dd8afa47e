"""Reading what forms name."""

from __future__ import annotations

from uuid import UUID

from kernel.errors import NotFound


def identifier(text: str, code: str = "not_found") -> UUID:
    """The id a form names. Raises NotFound(`code`) for what is none."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(code) from None
