"""Two-step sign-in: whether it is on, setting it up, and recovery codes, shown once."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class SecondFactorView:
    """Whether it is on; the form to begin, or those to make new recovery codes and to switch it off."""

    template: ClassVar[str] = "second_factor/second_factor.html"
    active: ClassVar[str] = "account"

    email: str
    since: datetime | None
    recovery_codes_left: int
    error: str | None = None
    error_field: str = ""
    opened: str = ""
    """Which of the forms was refused."""


@dataclass(frozen=True, slots=True)
class SetupView:
    """The secret for the authenticator app, as a QR code and as text, and the form for its first code."""

    template: ClassVar[str] = "second_factor/setup.html"
    active: ClassVar[str] = "account"

    setup: str
    secret: str
    """In groups of four, to be typed."""
    uri: str
    qr_code: str
    """An SVG drawing."""
    error: str | None = None
    error_field: str = ""


@dataclass(frozen=True, slots=True)
class RecoveryCodesView:
    """The recovery codes, now and never again."""

    template: ClassVar[str] = "second_factor/recovery_codes.html"
    active: ClassVar[str] = "account"

    email: str
    recovery_codes: tuple[str, ...]
    is_new: bool
    """Whether two-step sign-in was switched on just now."""
