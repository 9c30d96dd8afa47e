"""What people write here: cleaned when it comes in, and refused when it is missing or too long; never cut."""

from __future__ import annotations

import re

from kernel.errors import Invalid
from kernel.text import plain_text


def line(field: str, text: str, limit: int = 200) -> str:
    """One line of clean text of 1 to `limit` characters. Raises Invalid(`text_required`, `text_too_long`)."""
    cleaned = optional_line(field, text, limit)
    if not cleaned:
        raise Invalid("text_required", field=field)
    return cleaned


def optional_line(field: str, text: str, limit: int = 200) -> str:
    """One line of clean text of at most `limit` characters, or none. Raises Invalid(`text_too_long`)."""
    return _within(field, plain_text(text), limit)


def paragraphs(field: str, text: str, limit: int) -> str:
    """Clean text of at most `limit` characters on any number of lines. Raises Invalid(`text_too_long`)."""
    return _within(field, plain_text(text, multiline=True), limit)


def _within(field: str, cleaned: str, limit: int) -> str:
    if len(cleaned) > limit:
        raise Invalid("text_too_long", field=field, limit=limit)
    return cleaned


_EMAIL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?")


def checked_email(email: str, *, field: str = "email") -> str:
    """The address in its stored form. Raises Invalid(`email_invalid`)."""
    cleaned = email.strip().lower()
    if not _EMAIL.fullmatch(cleaned) or ".." in cleaned or len(cleaned) > 254:
        raise Invalid("email_invalid", field=field)
    return cleaned
