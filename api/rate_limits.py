"""How often one caller may ask: per credential, per network where nobody signed in, and per network with credentials that are
none. Said in the headers of the IETF's draft (`RateLimit-Policy`, `RateLimit`), refused with 429 and `Retry-After`.

Before the caller is looked up: a request too many costs no statement. Where the network is not known, nothing is limited.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from litestar import Request
from litestar.concurrency import sync_to_thread

from api.auth import bearer_token, session_token
from api.network_address import network_address
from kernel.errors import DomainError, TooMany
from kernel.rate_limit import Quota, Standing
from marketplace.access.authenticate import hash_token

if TYPE_CHECKING:
    from api.request import ApiRequest
    from kernel.settings import Settings

UNCOUNTED = ("/static/", "/hooks/", "/healthz", "/readyz", "/metrics", "/favicon.ico")
"""Our own files, those who watch over the installation, and those who call back, whom their signatures vouch for."""
UNCOUNTED_ENDS = ("/media", "/cover")
"""A player asks for a film piece by piece."""
POLICY_HEADER, STANDING_HEADER = "RateLimit-Policy", "RateLimit"


def is_counted(path: str) -> bool:
    """Whether requests for a path are limited."""
    return not (path.startswith(UNCOUNTED) or path.endswith(UNCOUNTED_ENDS))


async def count_request(request: ApiRequest) -> None:
    """Count a request, on the event loop; only now and then this waits for the other processes' counts, on a thread.

    Raises: TooMany(`too_many_requests`).
    """
    if not is_counted(request.scope["path"]):
        return
    limiter = request.services.limiter
    quota, caller = _counted(request)
    if caller is None or not quota.limit:
        return
    if quota.name == CREDENTIAL and not limiter.is_known(quota, caller):
        _refuse_unrecognised(request)
    if limiter.must_ask(quota, caller):
        standing = await sync_to_thread(partial(limiter.take, quota, caller))
    else:
        standing = limiter.take(quota, caller)
    request.scope["state"]["rate_limit"] = standing
    _refuse_over(standing)


def count_recognised(request: ApiRequest, *, is_somebody: bool) -> None:
    """Note whether a presented credential was a good one; those that are none are counted by their network."""
    limiter = request.services.limiter
    quota, caller = _counted(request)
    if quota.name != CREDENTIAL or caller is None or not quota.limit:
        return
    if is_somebody:
        limiter.recognise(quota, caller)
        return
    unrecognised, network = _unrecognised(request)
    if network is not None and unrecognised.limit:
        limiter.take(unrecognised, network)


def rate_limit_headers(standing: Standing) -> dict[str, str]:
    """As draft-ietf-httpapi-ratelimit-headers has them: structured fields, seconds."""
    quota = standing.quota
    return {
        POLICY_HEADER: f'"{quota.name}";q={quota.limit};w={quota.window_s}',
        STANDING_HEADER: f'"{quota.name}";r={standing.remaining};t={standing.reset_s}',
    }


def note_refusal(request: Request[Any, Any, Any], refused: DomainError) -> None:
    """Keep a refusal, so that what its answer says of limits is about the one that refused."""
    if isinstance(refused, TooMany):
        request.scope.setdefault("state", {})["refused"] = refused


def answer_headers(state: Mapping[str, Any], status: int) -> dict[str, str]:
    """What an answer says of limits: where its caller stands; refused, by the limit that refused, and by no other."""
    standing: Standing | None = state.get("rate_limit")
    if status != TooMany.status:
        return rate_limit_headers(standing) if standing is not None else {}
    refused: TooMany | None = state.get("refused")
    if refused is None or refused.quota is None:
        return {}
    retry_after_s = cast("int", refused.params["retry_after_s"])
    return {**rate_limit_headers(Standing(refused.quota, 0, retry_after_s)), "Retry-After": str(retry_after_s)}


CREDENTIAL, ANONYMOUS, UNRECOGNISED = "credential", "network", "unrecognised"


def _counted(request: ApiRequest) -> tuple[Quota, str | None]:
    """By what a request is counted, and as whom."""
    settings = request.services.settings
    credential = bearer_token(request) or session_token(request)
    if credential is not None:
        return _quota(settings, CREDENTIAL, settings.rate_limit_credential, 6_000), hash_token(credential)
    return _quota(settings, ANONYMOUS, settings.rate_limit_network, 1_200), network_address(
        request, settings.forwarded_hops
    )


def _unrecognised(request: ApiRequest) -> tuple[Quota, str | None]:
    settings = request.services.settings
    return _quota(settings, UNRECOGNISED, settings.rate_limit_network, 1_200), network_address(
        request, settings.forwarded_hops
    )


def _quota(settings: Settings, name: str, chosen: int | None, usual: int) -> Quota:
    if chosen is None:
        # In a sandbox one machine plays everybody.
        chosen = usual if settings.is_production else 1_000_000
    return Quota(name, chosen)


def _refuse_unrecognised(request: ApiRequest) -> None:
    quota, network = _unrecognised(request)
    if network is None or not quota.limit:
        return
    standing = request.services.limiter.look(quota, network)
    if standing.remaining == 0:
        request.scope["state"]["rate_limit"] = standing
        _refuse_over(standing._replace(is_over=True))


def _refuse_over(standing: Standing) -> None:
    if standing.is_over:
        raise TooMany("too_many_requests", quota=standing.quota, retry_after_s=standing.reset_s)
