"""Talking to an organization's provider: what it offers, its keys, and the exchange of a code, by the guarded way out."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import structlog

from kernel.errors import Invalid, Unavailable
from kernel.outbound import OutboundClient, OutboundError, OutboundPolicy, OutboundRefused, check_url

T = TypeVar("T")
log = structlog.get_logger(__name__)

WELL_KNOWN = "/.well-known/openid-configuration"
KEPT_S = 600.0
"""How long what a provider published is believed."""
AGAIN_S = 5.0
"""How soon keys are fetched again for a token that none of them signed."""
MOST_PROVIDERS = 1_000
TIMEOUT_S = 10.0
SUCCESS = 200


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a provider says of itself (OpenID Connect Discovery 1.0 §3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


@dataclass(frozen=True, slots=True)
class CodeExchange:
    """A code, and what proves that it was given to us."""

    client_id: str
    client_secret: str = field(repr=False)
    code: str = field(repr=False)
    verifier: str = field(repr=False)
    redirect_uri: str


class ProviderClient:
    """Thread safe; one per process. Remembers for a while what providers published."""

    def __init__(self, policy: OutboundPolicy, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._policy = policy
        self._outbound = OutboundClient(policy)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Any]] = {}

    def discover(self, issuer: str) -> Metadata:
        """What the provider offers.

        Raises: Invalid `issuer_invalid` (an address that may not be called), `provider_unfit` (what it published does not
        serve); Unavailable `provider_unreachable`.
        """
        return self._remembered(f"metadata {issuer}", KEPT_S, lambda: self._discovered(issuer))

    def keys(self, metadata: Metadata, *, fresh: bool = False) -> list[dict[str, Any]]:
        """The keys it signs with; `fresh` ones where those known are older than some seconds. Raises as `discover`."""
        lasts_s = AGAIN_S if fresh else KEPT_S
        return self._remembered(f"keys {metadata.jwks_uri}", lasts_s, lambda: self._fetched_keys(metadata))

    def exchange(self, metadata: Metadata, exchange: CodeExchange) -> str:
        """The ID token that a code is good for (RFC 6749 §4.1.3, with RFC 7636). Raises as `discover`, and Invalid
        `provider_refused`: it takes the code or our credentials for bad ones.
        """
        form = {
            "grant_type": "authorization_code",
            "code": exchange.code,
            "redirect_uri": exchange.redirect_uri,
            "code_verifier": exchange.verifier,
        }
        pair = f"{quote(exchange.client_id, safe='')}:{quote(exchange.client_secret, safe='')}"
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
        }
        status, answer = self._call("POST", metadata.token_endpoint, urlencode(form).encode(), headers)
        if status != SUCCESS:
            log.warning("provider_refused", issuer=metadata.issuer, status=status)
            raise Invalid("provider_refused", field="issuer")
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise Invalid("provider_unfit", field="issuer", reason="id_token")
        return token

    def _discovered(self, issuer: str) -> Metadata:
        status, answer = self._call("GET", issuer.rstrip("/") + WELL_KNOWN)
        if status != SUCCESS:
            raise Invalid("provider_unfit", field="issuer", reason=str(status))
        if answer.get("issuer") != issuer:
            raise Invalid("provider_unfit", field="issuer", reason="issuer")
        endpoints = [answer.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
        for name, endpoint in zip(("authorization_endpoint", "token_endpoint", "jwks_uri"), endpoints, strict=True):
            if not isinstance(endpoint, str) or not self._may_be_called(endpoint):
                raise Invalid("provider_unfit", field="issuer", reason=name)
        if "code" not in answer.get("response_types_supported", ["code"]):
            raise Invalid("provider_unfit", field="issuer", reason="response_types_supported")
        if "S256" not in answer.get("code_challenge_methods_supported", ["S256"]):
            raise Invalid("provider_unfit", field="issuer", reason="code_challenge_methods_supported")
        return Metadata(issuer, *(str(one) for one in endpoints))

    def _fetched_keys(self, metadata: Metadata) -> list[dict[str, Any]]:
        status, answer = self._call("GET", metadata.jwks_uri)
        keys = answer.get("keys")
        if status != SUCCESS or not isinstance(keys, list):
            raise Invalid("provider_unfit", field="issuer", reason="keys")
        return [key for key in keys if isinstance(key, dict)]

    def _may_be_called(self, url: str) -> bool:
        try:
            check_url(url, self._policy)
        except OutboundRefused:
            return False
        return True

    def _call(
        self, method: str, url: str, content: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        asked = {"Accept": "application/json", **(headers or {})}
        try:
            answer = self._outbound.request(method, url, content, asked, TIMEOUT_S)
        except OutboundRefused as error:
            raise Invalid("issuer_invalid", field="issuer") from error
        except OutboundError as error:
            raise Unavailable("provider_unreachable") from error
        try:
            body = json.loads(answer.body)
        except (ValueError, RecursionError):
            body = None
        return answer.status, body if isinstance(body, dict) else {}

    def _remembered(self, key: str, lasts_s: float, fetch: Callable[[], T]) -> T:
        with self._lock:
            found = self._known.get(key)
        if found is not None and self._monotonic() < found[0] + lasts_s:
            remembered: T = found[1]
            return remembered
        fetched = fetch()
        with self._lock:
            if len(self._known) >= MOST_PROVIDERS:
                self._known.clear()
            self._known[key] = self._monotonic(), fetched
        return fetched
