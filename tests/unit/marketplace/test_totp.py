"""Codes of authenticator apps: the RFC's own figures, one step of drift, nothing twice, and however they are typed."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.access.totp import DRIFT, STEP_S, matching_step, new_secret, normalized, provisioning_uri, step_of

RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECRETS = st.binary(min_size=20, max_size=20).map(lambda drawn: base64.b32encode(drawn).decode())
STEPS = st.integers(DRIFT, 2**32)


def code_of(secret: str, step: int) -> str:
    return pyotp.HOTP(secret).at(step)


def instant(step: int, second: int = 0) -> datetime:
    return EPOCH + timedelta(seconds=step * STEP_S + second)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ],
)
def test_the_vectors_of_rfc_6238(seconds: int, code: str) -> None:
    """Appendix B, the last six of its eight digits."""
    at = EPOCH + timedelta(seconds=seconds)
    assert matching_step(RFC_SECRET, code, at) == seconds // STEP_S


@given(SECRETS, STEPS, st.integers(-4, 4), st.integers(0, STEP_S - 1))
def test_a_code_counts_within_one_step_and_not_beyond(secret: str, step: int, off: int, second: int) -> None:
    if step + off < 0:
        return
    found = matching_step(secret, code_of(secret, step + off), instant(step, second))
    near = [one for one in range(step - DRIFT, step + DRIFT + 1) if code_of(secret, one) == code_of(secret, step + off)]
    assert found == (near[0] if near else None)
    assert (found is not None) >= (abs(off) <= DRIFT)


@given(SECRETS, STEPS, st.integers(-DRIFT, DRIFT), st.integers(-DRIFT, DRIFT))
def test_neither_the_step_used_last_nor_an_older_one_counts(secret: str, step: int, off: int, used: int) -> None:
    found = matching_step(secret, code_of(secret, step + off), instant(step), after=step + used)
    assert found is None or found > step + used
    assert (found is not None) >= (off > used)


@given(SECRETS, STEPS)
def test_it_is_read_however_it_is_typed(secret: str, step: int) -> None:
    code = code_of(secret, step)
    wide = code.translate({ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)})
    for typed in (f" {code[:3]} {code[3:]}\n", wide, f"{code[:3]}-{code[3:]}", f"{code[:3]}\u3000{code[3:]}"):
        assert matching_step(secret, typed, instant(step)) is not None


@given(st.text(max_size=40))
def test_nothing_else_is_a_code_nor_an_error(typed: str) -> None:
    right = {code_of(RFC_SECRET, one) for one in (99, 100, 101)}
    assert (matching_step(RFC_SECRET, typed, instant(100)) is not None) == (normalized(typed) in right)
    assert matching_step(RFC_SECRET, "\ud800" + typed, instant(100)) is None


def test_what_the_app_is_given() -> None:
    secret = new_secret()
    assert len(base64.b32decode(secret)) == 20
    assert secret != new_secret()
    uri = urlsplit(provisioning_uri(secret, "a+b@firm.example", "Channel Market"))
    assert (uri.scheme, uri.netloc, unquote(uri.path)) == ("otpauth", "totp", "/Channel Market:a+b@firm.example")
    assert parse_qs(uri.query) == {"secret": [secret], "issuer": ["Channel Market"]}
    assert step_of(instant(7, 29)) == 7
