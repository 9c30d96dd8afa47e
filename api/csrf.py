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
from uuid import UUID

_ORG = 32
"""Signs of an organization's id."""


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


def page_token(token: str, org_id: UUID) -> str:
    """What a page carries that was drawn for an organization, so that it does nothing for another one."""
    return token + org_id.hex


def organization_of_page(sent: str, token: str) -> UUID | None:
    """For which organization a page was drawn that carries `sent`. None where that is no page's of the session's."""
    found, expected = sent.encode(errors="surrogatepass"), token.encode()
    for whole in (_uncovered(found, len(expected) + _ORG), found):
        own, organization = whole[: len(expected)], whole[len(expected) :]
        if len(organization) == _ORG and hmac.compare_digest(own, expected):
            return UUID(organization.decode()) if _is_hex(organization) else None
    return None


def _is_hex(sent: bytes) -> bool:
    return all(sign in b"0123456789abcdef" for sign in sent)


def _uncovered(sent: bytes, length: int) -> bytes:
    try:
        covered = base64.b64decode(sent + b"=" * (-len(sent) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return b""
    return _added(covered[:length], covered[length:]) if len(covered) == 2 * length else b""


def _added(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
