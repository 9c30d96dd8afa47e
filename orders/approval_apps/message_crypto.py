"""How DingTalk, WeCom and Feishu sign and encrypt what they send. Pure.

DingTalk and WeCom: AES-256-CBC, the key base64 of 43 characters, its first 16 bytes the vector, PKCS#7 in blocks of 32 bytes;
plain = 16 random bytes, the message's length (4 bytes, big-endian, of bytes), the message, whose it is. Signed with the SHA-1 of
token, timestamp, nonce and ciphertext, sorted. Feishu: AES-256-CBC under SHA-256 of the key, the vector before the ciphertext,
PKCS#7 in blocks of 16; signed with the SHA-256 of timestamp, nonce, key and body.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from dataclasses import dataclass

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 16
PADDED_TO = 32
HEAD = 20
KEY_CHARACTERS = 43


class MessageUnreadable(Exception):
    """Signed wrongly, or not encrypted for us. Says nothing more: whoever forges learns nothing from it."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A message of DingTalk's or WeCom's, and whose it says it is."""

    message: bytes
    receiver: str


def signature_of(token: str, timestamp: str, nonce: str, encrypted: str) -> str:
    """By DingTalk and WeCom: hex."""
    joined = "".join(sorted((token, timestamp, nonce, encrypted)))
    return hashlib.sha1(joined.encode()).hexdigest()  # noqa: S324 - as their protocol has it


def require_signature(given: str, expected: str) -> None:
    """Raises MessageUnreadable unless the two are the same; how long it takes says nothing of where they differ."""
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise MessageUnreadable


def open_message(key: str, encrypted: str) -> Opened:
    """Decrypt what DingTalk or WeCom sent. Raises MessageUnreadable."""
    plain = _decrypt(_aes_key(key), _aes_key(key)[:BLOCK], _decoded(encrypted), PADDED_TO)
    if len(plain) < HEAD:
        raise MessageUnreadable
    (length,) = struct.unpack(">I", plain[BLOCK:HEAD])
    message, receiver = plain[HEAD : HEAD + length], plain[HEAD + length :]
    if len(message) != length:
        raise MessageUnreadable
    try:
        return Opened(message, receiver.decode())
    except UnicodeDecodeError:
        raise MessageUnreadable from None


def seal_message(key: str, message: bytes, receiver: str) -> str:
    """Encrypt an answer to DingTalk: one line of base64, lengths in bytes."""
    plain = secrets.token_bytes(BLOCK) + struct.pack(">I", len(message)) + message + receiver.encode()
    padder = padding.PKCS7(PADDED_TO * 8).padder()
    aes = _aes_key(key)
    encryptor = Cipher(algorithms.AES(aes), modes.CBC(aes[:BLOCK])).encryptor()
    return base64.b64encode(encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()).decode()


def feishu_signature_of(key: str, timestamp: str, nonce: str, body: bytes) -> str:
    """By Feishu: hex, of the body as it came."""
    return hashlib.sha256((timestamp + nonce + key).encode() + body).hexdigest()


def open_feishu_message(key: str, encrypted: str) -> bytes:
    """Decrypt what Feishu sent. Raises MessageUnreadable."""
    content = _decoded(encrypted)
    return _decrypt(hashlib.sha256(key.encode()).digest(), content[:BLOCK], content[BLOCK:], BLOCK)


def is_message_key(key: str) -> bool:
    """Whether it is a key of DingTalk's or WeCom's. Its last character may carry bits that nobody reads."""
    return len(key) == KEY_CHARACTERS and key.isascii() and key.isalnum()


def _aes_key(key: str) -> bytes:
    return base64.b64decode(key + "=")


def _decoded(encrypted: str) -> bytes:
    try:
        return base64.b64decode(encrypted, validate=True)
    except (binascii.Error, ValueError):
        raise MessageUnreadable from None


def _decrypt(key: bytes, vector: bytes, content: bytes, padded_to: int) -> bytes:
    if len(vector) != BLOCK or not content or len(content) % BLOCK:
        raise MessageUnreadable
    decryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
    padded = decryptor.update(content) + decryptor.finalize()
    # By the last byte alone, never by searching: a message may end in what looks like padding.
    size = padded[-1]
    if not 1 <= size <= min(padded_to, len(padded)):
        raise MessageUnreadable
    return padded[:-size]
