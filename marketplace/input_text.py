"""What people write here: cleaned when it comes in, and refused when it is missing or too long; never cut."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email

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


def checked_email(email: str, *, field: str = "email") -> str:
    """The stored form: lower case, an international domain as ASCII (RFC 5890). Raises Invalid(`email_invalid`).

    Whether its mailbox exists is for a mail to find out. Its own name is ASCII: others need SMTPUTF8 (RFC 6531) everywhere.
    """
    try:
        found = validate_email(
            email.strip(), check_deliverability=False, allow_smtputf8=False, test_environment=True, strict=True
        )
    except EmailNotValidError as error:
        raise Invalid("email_invalid", field=field) from error
    return str(found.ascii_email).lower()
