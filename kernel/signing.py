"""Proofs of origin: webhook signatures, signed links, API keys and passwords.

All comparisons of secrets take constant time. What is stored of an API key or a password never gives it back.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from standardwebhooks import Webhook

from kernel import clock

SHORT_CODE_DIGITS: Final = 6


class BadToken(Exception):
    """A signed token is altered, malformed, or made for another purpose."""


class TokenExpired(BadToken):
    """The token is genuine and its time has passed. `payload`: what it held, to say what is over, never to act by."""

    def __init__(self, payload: dict[str, Any]) -> None:
        super().__init__("expired")
        self.payload = payload


# ------------------------------------------------------------------------------------------------- Standard Webhooks


def new_webhook_secret() -> str:
    """A fresh signing secret, ``whsec_`` and 32 random bytes in base64 (Standard Webhooks: 24 to 64 bytes)."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def sign_webhook(
    signing_secrets: Sequence[str], message_id: str, body: bytes, at: datetime | None = None
) -> dict[str, str]:
    """Headers of a Standard Webhooks delivery: ``webhook-id``, ``-timestamp``, ``-signature``.

    ``message_id`` stays the same over all attempts of one message; it may hold no full stop, the signature's separator.
    ``at`` is the moment of this attempt; by default the real clock's, never a frozen one, because the receiver compares
    it with its own. During a rotation all valid secrets are given, newest first: one signature each.

    Raises:
        ValueError: no secret, a secret that is empty, too short or not base64, or an unusable message id.
    """
    if not message_id or "." in message_id or not message_id.isascii():
        raise ValueError("a message id is ASCII without a full stop")
    if not signing_secrets:
        raise ValueError("no webhook secret")
    moment = (at or clock.wall_now()).astimezone(UTC)
    text = body.decode()
    signatures = [_webhook(secret).sign(message_id, moment, text) for secret in signing_secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _webhook(secret: str) -> Webhook:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ValueError("a webhook secret is whsec_ and base64") from None
    if not 24 <= len(key) <= 64:
        raise ValueError("a webhook secret has 24 to 64 bytes")
    return Webhook(key)


# ------------------------------------------------------------------------------------------------------ signed tokens


class TokenSigner:
    """Makes and reads signed, expiring tokens for links (HMAC-SHA256, a key of its own for each purpose).

    ``keys``: at least 32 bytes each; the first signs, all verify, so a key can be replaced without breaking the links
    in use. The payload is readable by whoever holds the token: put ids there, no secrets. Thread safe.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) < 32 for key in keys):
            raise ValueError("token keys have at least 32 bytes")
        self._keys = tuple(keys)

    def sign_token(self, purpose: str, payload: Mapping[str, Any], expires_at: datetime) -> str:
        """A URL-safe token holding ``payload`` (JSON) until ``expires_at`` (aware)."""
        claims = {"x": int(expires_at.timestamp()), "p": payload}
        body = _b64(json.dumps(claims, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode())
        return f"{body}.{_b64(_mac(self._keys[0], purpose, body))}"

    def open_token(self, purpose: str, token: str) -> dict[str, Any]:
        """The payload of a token of this purpose. Raises BadToken, TokenExpired (by the house clock)."""
        body, _, signature = token.partition(".")
        try:
            given = _unb64(signature)
        except ValueError:
            raise BadToken("malformed") from None
        # Every key is tried, in constant time each, so that the time taken says nothing about which one fits.
        verdicts = [hmac.compare_digest(given, _mac(key, purpose, body)) for key in self._keys]
        if not any(verdicts):
            raise BadToken("not ours, altered, or for another purpose")
        claims = json.loads(_unb64(body))
        payload: dict[str, Any] = claims["p"]
        if clock.now().timestamp() >= claims["x"]:
            raise TokenExpired(payload)
        return payload

    def short_code(self, purpose: str, subject: str) -> str:
        """Six digits that belong to ``subject``, to be typed from a mail (NIST SP 800-63B §3.1.3: six at least).

        Stored nowhere: whoever checks them makes them again. Guessing has to be counted by the caller.
        """
        return _digits(self._keys[0], purpose, subject)

    def is_short_code(self, purpose: str, subject: str, code: str) -> bool:
        """Whether the code is the subject's, under any key; constant time."""
        given = code.encode("utf-8", "surrogatepass")
        verdicts = [hmac.compare_digest(given, _digits(key, purpose, subject).encode()) for key in self._keys]
        return any(verdicts)


def _digits(key: bytes, purpose: str, subject: str) -> str:
    return f"{int.from_bytes(_mac(key, f'code {purpose}', subject)) % 10**SHORT_CODE_DIGITS:0{SHORT_CODE_DIGITS}d}"


def _mac(key: bytes, purpose: str, body: str) -> bytes:
    purpose_key = hmac.digest(key, b"channel-market token " + purpose.encode(), hashlib.sha256)
    return hmac.digest(purpose_key, body.encode(errors="surrogatepass"), hashlib.sha256)


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    # As much padding as may be missing; what is too much is skipped.
    data = base64.urlsafe_b64decode(text + "==")
    if _b64(data) != text:
        # Base64 has spare bits at the end, and foreign characters are skipped, too: one token, one spelling.
        raise ValueError("not canonical")
    return data


# ----------------------------------------------------------------------------------------------------------- API keys

_API_KEY: Final = re.compile(r"(?P<prefix>[a-z][a-z0-9]{0,15})_(?P<id>[0-9a-f]{16})\.(?P<secret>[A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class MintedApiKey:
    """A new key: ``text`` is shown once and kept by nobody here; ``key_id`` and ``digest`` are what is stored."""

    text: str
    key_id: str
    digest: str


@dataclass(frozen=True, slots=True)
class PresentedApiKey:
    """A key as a caller presents it: look its row up by ``key_id``, then compare ``digest``."""

    prefix: str
    key_id: str
    digest: str

    def matches(self, stored_digest: str) -> bool:
        """Whether it is the key that was minted; constant time."""
        return hmac.compare_digest(self.digest.encode(), stored_digest.encode())


def mint_api_key(prefix: str = "cm") -> MintedApiKey:
    """A new key ``prefix_id.secret`` of 256 random bits. The prefix tells people and leak scanners whose key it is."""
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    text = f"{prefix}_{key_id}.{secret}"
    if not _API_KEY.fullmatch(text):
        raise ValueError("a key prefix is a lower case letter, then letters and digits, 16 at most")
    return MintedApiKey(text, key_id, hash_api_key(secret))


def read_api_key(text: str) -> PresentedApiKey | None:
    """Take a presented key apart; None when it does not look like one."""
    match = _API_KEY.fullmatch(text)
    return PresentedApiKey(match["prefix"], match["id"], hash_api_key(match["secret"])) if match else None


def hash_api_key(secret: str) -> str:
    """SHA-256 in hex. Plain and fast is right here: 256 random bits cannot be guessed, unlike a password."""
    return hashlib.sha256(secret.encode()).hexdigest()


# ---------------------------------------------------------------------------------------------------------- passwords

MAX_PASSWORD_BYTES: Final = 1024
ARGON2: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""Argon2id with 19 MiB, two passes, one lane: the OWASP minimum, some 20 ms; more memory would invite exhaustion by log-ins."""
_hasher = ARGON2


def hash_password(password: str) -> str:
    """Argon2id hash in PHC form. Raises ValueError for an empty or overlong (1,024 bytes) password."""
    prepared = _prepared(password)
    if not prepared or len(prepared) > MAX_PASSWORD_BYTES:
        raise ValueError(f"a password has 1 to {MAX_PASSWORD_BYTES} bytes")
    return _hasher.hash(prepared)


def verify_password(stored_hash: str | None, password: str) -> bool:
    """Whether the password is right. With ``None`` (no such account) it takes as long and says no."""
    prepared = _prepared(password)
    if len(prepared) > MAX_PASSWORD_BYTES:
        return False
    try:
        _hasher.verify(stored_hash if stored_hash is not None else _hash_of_nobody(), prepared)
    except (VerificationError, InvalidHashError):
        return False
    return stored_hash is not None


def password_needs_rehash(stored_hash: str) -> bool:
    """Whether a hash was made with older parameters; hash again at the next successful log-in."""
    return _hasher.check_needs_rehash(stored_hash)


@cache
def _hash_of_nobody() -> str:
    """What the password of an account that is not there is held against. Made when first needed: it takes its time."""
    return _hasher.hash(secrets.token_urlsafe(16))


def _prepared(password: str) -> bytes:
    # NFC as RFC 8265 §4.2 asks: the same typed password from two keyboards is one password.
    return unicodedata.normalize("NFC", password).encode(errors="surrogatepass")
