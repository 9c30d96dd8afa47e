"""The CSRF token as answers carry it: covered by random bytes, so that the length of an encoded answer tells nothing of it.

Whoever can have a browser ask for a page, with words of their own in it, and measures how long the encoded answer is,
would otherwise learn the token sign by sign (BREACH, CVE-2013-3587). The token itself is accepted as well: it is no less
secret, and a page may have been loaded before it was covered.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets


def cover_token(token: str) -> str:
    """`token` for one answer: random bytes, and the token added to them."""
    plain = token.encode()
    pad = secrets.token_bytes(len(plain))
    return base64.urlsafe_b64encode(pad + _added(pad, plain)).decode().rstrip("=")


def is_token(sent: str, token: str) -> bool:
    """Whether `sent` is `token`, covered or not. `sent` may be anything."""
    # As bytes: of text, compare_digest takes ASCII only, and a header may hold anything.
    found, expected = sent.encode(errors="surrogatepass"), token.encode()
    return hmac.compare_digest(_uncovered(found, len(expected)), expected) or hmac.compare_digest(found, expected)


def _uncovered(sent: bytes, length: int) -> bytes:
    try:
        covered = base64.b64decode(sent + b"=" * (-len(sent) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return b""
    return _added(covered[:length], covered[length:]) if len(covered) == 2 * length else b""


def _added(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
