"""Signing in by an organization's own provider: the browser is sent there with a state that only it can bring back."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import structlog
from litestar.datastructures import Cookie

from api.request import ApiRequest
from kernel import clock
from kernel.errors import Unauthenticated
from kernel.outbound import OutboundPolicy
from kernel.secrets import SecretUnreadable
from marketplace.access.authenticate import PRE_AUTH
from marketplace.access.sessions import Browser, CodeRequired, NewSession
from marketplace.identity_providers.id_token import BadIdToken, Expected, ProvedIdentity, UnknownKey, read_id_token
from marketplace.identity_providers.provider_client import CodeExchange, Metadata, ProviderClient
from marketplace.identity_providers.provider_sign_in import ProviderFound, get_provider, sign_in_by_provider

log = structlog.get_logger(__name__)

COOKIE = "provider-sign-in"
CONTEXT = "provider_sign_in"
LASTS_S = 600
"""How long somebody may take to sign in there."""
CALLBACK = "/sign-in/provider/callback"


@dataclass(frozen=True, slots=True)
class Begun:
    """What the browser keeps, sealed, while it is away."""

    provider_id: UUID
    next_path: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    expires_s: float


@dataclass(frozen=True, slots=True)
class Returned:
    """What the provider sent the browser back with."""

    code: str = field(repr=False)
    state: str = field(repr=False)
    issuer: str
    error: str


@lru_cache(maxsize=4)
def _client(policy: OutboundPolicy) -> ProviderClient:
    return ProviderClient(policy)


def provider_client(request: ApiRequest) -> ProviderClient:
    """This process's way to providers."""
    return _client(request.services.outbound_policy)


def begin(request: ApiRequest, provider_id: UUID, next_path: str) -> tuple[str, Cookie]:
    """Where to send the browser, and what it keeps. Raises as `get_provider` and `ProviderClient.discover`."""
    provider = _provider(request, provider_id)
    metadata = provider_client(request).discover(provider.issuer)
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    kept = {
        "provider": str(provider.id),
        "next": next_path,
        "state": state,
        "nonce": nonce,
        "verifier": verifier,
        "until": clock.wall_now().timestamp() + LASTS_S,
    }
    asked = {
        "response_type": "code",
        "scope": "openid email profile",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri(request),
        "state": state,
        "nonce": nonce,
        "code_challenge": _challenge(verifier),
        "code_challenge_method": "S256",
    }
    joined = "&" if urlsplit(metadata.authorization_endpoint).query else "?"
    sealed = request.services.secrets.seal(json.dumps(kept).encode(), CONTEXT)
    return f"{metadata.authorization_endpoint}{joined}{urlencode(asked)}", cookie(request, sealed)


def conclude(request: ApiRequest, returned: Returned, browser: Browser) -> tuple[NewSession | CodeRequired, str]:
    """Sign in whom the provider names; the session, or that a second factor is asked for, and where to go on.

    The code is exchanged with no transaction open.

    Raises: Unauthenticated `provider_sign_in_failed`, whatever was wrong with what came back; as `ProviderClient` and
    `sign_in_by_provider`.
    """
    begun = _begun(request, returned)
    provider = _provider(request, begun.provider_id)
    if returned.error or not returned.code or returned.issuer not in {"", provider.issuer}:
        log.warning("provider_sign_in_failed", issuer=provider.issuer, error=returned.error[:100])
        raise Unauthenticated("provider_sign_in_failed")
    client = provider_client(request)
    metadata = client.discover(provider.issuer)
    exchange = CodeExchange(
        provider.client_id, provider.client_secret, returned.code, begun.verifier, redirect_uri(request)
    )
    proved = _read(client, metadata, client.exchange(metadata, exchange), provider, begun.nonce)
    opened = request.transact(lambda uow: sign_in_by_provider(uow, provider, proved, browser), acting_as=PRE_AUTH)
    return opened, begun.next_path


def redirect_uri(request: ApiRequest) -> str:
    """Where providers send people back to: registered there, letter by letter."""
    return request.services.settings.public_url + CALLBACK


def cookie(request: ApiRequest, sealed: str) -> Cookie:
    """What the browser keeps; empty to forget it. It has to come along when the provider sends the browser back."""
    return Cookie(
        key=_name(request),
        value=sealed,
        httponly=True,
        secure=_is_https(request),
        samesite="lax",
        path="/",
        max_age=LASTS_S if sealed else 0,
    )


def _provider(request: ApiRequest, provider_id: UUID) -> ProviderFound:
    box = request.services.secrets
    with request.transaction(acting_as=PRE_AUTH) as uow:
        return get_provider(uow, box, provider_id)


def _begun(request: ApiRequest, returned: Returned) -> Begun:
    """What this browser began. Raises Unauthenticated(`provider_sign_in_failed`) for another's, or one long ago."""
    try:
        kept: dict[str, Any] = json.loads(
            request.services.secrets.open(request.cookies.get(_name(request), ""), CONTEXT)
        )
    except SecretUnreadable:
        raise Unauthenticated("provider_sign_in_failed") from None
    begun = Begun(UUID(kept["provider"]), kept["next"], kept["state"], kept["nonce"], kept["verifier"], kept["until"])
    is_ours = hmac.compare_digest(begun.state.encode(), returned.state.encode(errors="surrogatepass"))
    if not is_ours or begun.expires_s < clock.wall_now().timestamp():
        raise Unauthenticated("provider_sign_in_failed")
    return begun


def _read(
    client: ProviderClient, metadata: Metadata, token: str, provider: ProviderFound, nonce: str
) -> ProvedIdentity:
    """Whom the token names; keys that it replaced are fetched anew. Raises Unauthenticated(`provider_sign_in_failed`)."""
    expected = Expected(provider.issuer, provider.client_id, nonce, clock.wall_now().timestamp())
    try:
        try:
            return read_id_token(token, client.keys(metadata), expected)
        except UnknownKey:
            return read_id_token(token, client.keys(metadata, fresh=True), expected)
    except BadIdToken as error:
        log.warning("id_token_refused", issuer=provider.issuer, reason=str(error))
        raise Unauthenticated("provider_sign_in_failed") from error


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _name(request: ApiRequest) -> str:
    return f"{'__Host-' if _is_https(request) else ''}{COOKIE}"


def _is_https(request: ApiRequest) -> bool:
    return request.services.settings.public_url.startswith("https://")
