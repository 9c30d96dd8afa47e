"""Secrets at rest: envelope encryption, so that a copy of the database reveals none of them.

Each value is encrypted under a fresh data key (AES-256-GCM), and that data key under the service's key-encryption key
(AES-256-GCM too), which lives outside the database. The *context* — purpose and row id, for instance
``"webhook_secret:0192…"`` — is authenticated with both: a sealed value copied into another row does not open there.

Sealed form, ASCII: ``cm1.<key id>.<nonce and wrapped data key>.<nonce and ciphertext>``, the last two in URL-safe
base64 without padding. Nonces are 96 random bits (NIST SP 800-38D §8.2.2): a key-encryption key serves 2^32 values at
most.
"""

import base64
import re
import secrets
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_VERSION: Final = "cm1"
_KEY_ID: Final = re.compile(r"[a-z0-9-]{1,32}")


class SecretUnreadable(Exception):
    """A sealed value does not open: altered, from another row, or its key is no longer known. Says nothing more."""


class SecretBox:
    """Seals and opens values. Immutable and thread safe.

    ``keys`` maps key id (lower case letters, digits, dash) to 32 bytes; the first seals, all open: a new key
    put first leaves what is stored readable for as long as the old one stays.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if not keys:
            raise ValueError("a secret box needs at least one key")
        for key_id, key in keys.items():
            if not _KEY_ID.fullmatch(key_id):
                raise ValueError("a key id has lower case letters, digits and dashes")
            if len(key) != KEY_BYTES:
                raise ValueError(f"key {key_id} must have {KEY_BYTES} bytes")
        self._keys = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._active_id = next(iter(keys))

    def seal(self, plaintext: bytes, context: str) -> str:
        """Encrypt ``plaintext`` for the one place that ``context`` names. Two calls never give the same text."""
        data_key = AESGCM.generate_key(KEY_BYTES * 8)
        body = _encrypt(AESGCM(data_key), plaintext, _authenticated("body", "", context))
        key_id = self._active_id
        wrapped = _encrypt(self._keys[key_id], data_key, _authenticated("data_key", key_id, context))
        return f"{_VERSION}.{key_id}.{_encode(wrapped)}.{_encode(body)}"

    def open(self, sealed: str, context: str) -> bytes:
        """Decrypt a value sealed for the same context. Raises SecretUnreadable."""
        key_id, wrapped, body = _split(sealed)
        if key_id not in self._keys:
            raise SecretUnreadable("unknown key")
        data_key = _decrypt(self._keys[key_id], wrapped, _authenticated("data_key", key_id, context))
        return _decrypt(AESGCM(data_key), body, _authenticated("body", "", context))


def _authenticated(part: str, key_id: str, context: str) -> bytes:
    # A NUL cannot occur in any of the pieces, so no two lists of pieces give the same bytes.
    if not context or "\0" in context:
        raise ValueError("a context names the row and its purpose")
    return f"{_VERSION}\0{part}\0{key_id}\0{context}".encode()


def _encrypt(cipher: AESGCM, plaintext: bytes, authenticated: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plaintext, authenticated)


def _decrypt(cipher: AESGCM, data: bytes, authenticated: bytes) -> bytes:
    try:
        return cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], authenticated)
    except (InvalidTag, ValueError):
        raise SecretUnreadable("altered, or sealed for another place") from None


def _split(sealed: str) -> tuple[str, bytes, bytes]:
    parts = sealed.split(".")
    if len(parts) != 4 or parts[0] != _VERSION:
        raise SecretUnreadable("not a sealed value")
    return parts[1], _decode(parts[2]), _decode(parts[3])


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise SecretUnreadable("not a sealed value") from None
