"""One-time codes of an authenticator app: RFC 6238 over RFC 4226, SHA-1, six digits, steps of 30 s, as every app reads them.

The time is the system's, never a sandbox's: the app goes by its own clock.
"""

from __future__ import annotations

import hmac
import unicodedata
from datetime import datetime
from typing import Final

import pyotp

STEP_S: Final = 30
DRIFT: Final = 1
"""Steps that a clock may be off, either way; RFC 6238 §5.2 recommends one at most for the time that the network takes."""
DIGITS: Final = 6


def new_secret() -> str:
    """160 random bits in base32, what RFC 4226 §4 recommends."""
    return pyotp.random_base32(32)


def provisioning_uri(secret: str, email: str, issuer: str) -> str:
    """What an authenticator app reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=issuer)


def normalized(typed: str) -> str:
    """A code as it is meant, however it was typed: full-width digits, spaces and dashes are what keyboards make of it."""
    return "".join(unicodedata.normalize("NFKC", typed).replace("-", "").split()).upper()


def step_of(at: datetime) -> int:
    """The number of an instant's time step."""
    return int(at.timestamp()) // STEP_S


def matching_step(secret: str, typed: str, at: datetime, *, after: int = -1) -> int | None:
    """The step whose code was typed, None when none within the drift fits that comes after the step used last.

    Every step is compared, in constant time.
    """
    code = normalized(typed).encode("utf-8", "surrogatepass")
    steps = range(step_of(at) - DRIFT, step_of(at) + DRIFT + 1)
    matches = [step for step in steps if hmac.compare_digest(_code(secret, step).encode(), code)]
    return next((step for step in matches if step > after), None)


def _code(secret: str, step: int) -> str:
    return pyotp.HOTP(secret, digits=DIGITS).at(step)
