"""Whom an ID token names (OpenID Connect Core 1.0 §3.1.3.7). Pure: the keys are given."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import import_key

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Signatures by a key pair alone. With one secret for both sides, whoever checks could also sign; `none` proves nothing."""
SKEW_S = 120
"""How far the provider's clock may be from ours."""
OLDEST_S = 600
"""A token is made for the sign-in that asks for it."""
MOST_CHARACTERS = 16_384
MOST_SUBJECT = 255


class BadIdToken(Exception):
    """The token proves nothing. The reason is for logs, never for whoever presents it."""


class UnknownKey(BadIdToken):
    """No key that the provider published signed it: perhaps it has newer ones."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say. `now_s` is system time."""

    issuer: str
    client_id: str
    nonce: str = field(repr=False)
    now_s: float


@dataclass(frozen=True, slots=True)
class ProvedIdentity:
    """Whom the provider signed in. The address is one that it says it has verified."""

    subject: str
    email: str
    name: str


def read_id_token(token: str, keys: Sequence[dict[str, Any]], expected: Expected) -> ProvedIdentity:
    """The person whom a token names. Raises BadIdToken; UnknownKey where newer keys may help."""
    if len(token) > MOST_CHARACTERS or token.count(".") != 2:
        raise BadIdToken("malformed")
    claims = _verified(token, keys)
    _check_parties(claims, expected)
    _check_times(claims, expected.now_s)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), expected.nonce.encode()):
        raise BadIdToken("nonce")
    subject, email, name = claims.get("sub"), claims.get("email"), claims.get("name")
    if not isinstance(subject, str) or not 0 < len(subject) <= MOST_SUBJECT:
        raise BadIdToken("sub")
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        raise BadIdToken("email_unverified")
    return ProvedIdentity(subject, email, name if isinstance(name, str) else "")


def _verified(token: str, keys: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The claims, signed by one of the keys."""
    tried = False
    for key in keys:
        if key.get("use", "sig") != "sig" or key.get("kty") == "oct":
            continue
        try:
            opened = jwt.decode(token, import_key(key), algorithms=list(ALGORITHMS))
        except (JoseError, ValueError, TypeError, KeyError):
            tried = True
            continue
        if opened.header.get("kid") not in {None, key.get("kid")}:
            continue
        return dict(opened.claims)
    raise UnknownKey("signature" if tried else "no_keys")


def _check_parties(claims: dict[str, Any], expected: Expected) -> None:
    if claims.get("iss") != expected.issuer:
        raise BadIdToken("iss")
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or expected.client_id not in audiences:
        raise BadIdToken("aud")
    party = claims.get("azp")
    if (len(audiences) > 1 or party is not None) and party != expected.client_id:
        raise BadIdToken("azp")


def _check_times(claims: dict[str, Any], now_s: float) -> None:
    def instant(name: str) -> float:
        value = claims.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise BadIdToken(name)
        return value

    if instant("exp") <= now_s - SKEW_S:
        raise BadIdToken("exp")
    if not now_s - OLDEST_S - SKEW_S <= instant("iat") <= now_s + SKEW_S:
        raise BadIdToken("iat")
    if "nbf" in claims and instant("nbf") > now_s + SKEW_S:
        raise BadIdToken("nbf")
