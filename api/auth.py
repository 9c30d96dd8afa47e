"""Authentication at the edge: who presents a credential, and what a route's declared permission refuses them.

A browser carries a session cookie, a program an API key as bearer token. An unsafe request with a cookie must also prove
that it comes from our own pages: `Sec-Fetch-Site`, a matching `Origin`, or the session's CSRF token. One without a cookie
is refused when the browser says that another site sent it: signing somebody in as somebody else is a forgery, too.

`api/request.py` says when these are asked: in the transaction that the handler goes on to use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar.connection import ASGIConnection

from api.csrf import is_token, organization_of_page
from api.origin import is_own
from kernel.clock import OwnTime
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Forbidden, Unauthenticated
from kernel.principal import ANONYMOUS, Principal, PrincipalKind
from marketplace.access.authenticate import SignedIn, principal_for_api_key, principal_for_session

COOKIE = "session"
SECURE_COOKIE = "__Host-session"
"""The name over HTTPS: the prefix makes browsers refuse it from a sibling domain (RFC 6265bis §4.1.3.2)."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
ANY_ORGANIZATION = "any_organization"
"""Option of routes that are the same whichever organization one acts for: signing out, switching, who one is."""
PUBLIC = "public"
SIGNED_IN = "signed_in"
LEFT = "organization_left"
SWITCHED = "organization_switched"
"""The refusal of whoever does not know yet that they act for another organization."""

Connection = ASGIConnection[Any, Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `signed_in` is the person and the organizations to switch to, None for keys and anonymous."""

    principal: Principal
    signed_in: SignedIn | None = None


NOBODY = Caller(ANONYMOUS)


def has_credentials(connection: Connection) -> bool:
    """Whether a session or a key is presented, valid or not."""
    return has_bearer(connection) or session_token(connection) is not None


def has_bearer(connection: Connection) -> bool:
    """Whether a key is presented, valid or not."""
    return bearer_token(connection) is not None


def bearer_token(connection: Connection) -> str | None:
    """The key that a program presents, valid or not."""
    sent = connection.headers.get("authorization", "")
    return sent[7:].strip() if sent[:7].lower() == "bearer " else None


def session_token(connection: Connection) -> str | None:
    """The session that a browser presents, valid or not."""
    if "cookie" not in connection.headers:
        return None
    return connection.cookies.get(SECURE_COOKIE) or connection.cookies.get(COOKIE) or None


def authenticate(uow: UnitOfWork, connection: Connection) -> Caller:
    """Who is behind the presented credential, NOBODY when it is unknown or over. `uow` is the platform's."""
    key = bearer_token(connection)
    if key is not None:
        principal = principal_for_api_key(uow, key)
        return Caller(principal) if principal else NOBODY
    token = session_token(connection)
    signed_in = principal_for_session(uow, token) if token else None
    return Caller(signed_in.principal, signed_in) if signed_in else NOBODY


def refuse_unpermitted(connection: Connection, caller: Caller, permission: str) -> None:
    """Refuse what the route's declared permission does not allow. Deny by default.

    Raises:
        Unauthenticated: `sign_in_required`.
        Forbidden: `permission_missing` in one's own organization, `csrf_refused` for a forged request.
        Conflict: `organization_left`: the session stands for an organization that is its person's no more. What was begun there
            is not done in another one of theirs before they know. `organization_switched`: the page was drawn for another one.
    """
    if connection.scope.get("method") not in SAFE and _is_forged(connection, caller):
        raise Forbidden("csrf_refused")
    if caller.signed_in is not None and caller.signed_in.is_displaced and not _is_for_any(connection, permission):
        raise Conflict(LEFT)
    token = connection.headers.get("x-csrf-token")
    if token is not None and caller.signed_in is not None and connection.scope.get("method") not in SAFE:
        refuse_other_organization(connection, caller.signed_in, permission, token)
    if permission == PUBLIC:
        return
    if caller.principal.kind is PrincipalKind.ANONYMOUS:
        raise Unauthenticated("sign_in_required")
    if permission != SIGNED_IN:
        caller.principal.require(permission)


def refuse_other_organization(connection: Connection, signed_in: SignedIn, permission: str, token: str) -> None:
    """Refuse what a page asks that was drawn for another organization: its person has switched in another window.

    Raises: Conflict `organization_switched`.
    """
    drawn_for = organization_of_page(token, signed_in.csrf)
    own = signed_in.organization
    if drawn_for not in (None, own.org_id) and not _is_for_any(connection, permission):
        raise Conflict(SWITCHED, organization=own.display_name)


def refuse_while_moving(connection: Connection, own: OwnTime) -> None:
    """Refuse what a test organization asks to change while its clock moves: it would happen at a time that is passing by.

    Raises: Conflict `test_clock_advancing`.
    """
    handler = connection.scope.get("route_handler")
    is_for_any = handler is not None and bool(handler.opt.get(ANY_ORGANIZATION))
    if own.is_moving and connection.scope.get("method") not in SAFE and not is_for_any:
        raise Conflict("test_clock_advancing")


def _is_for_any(connection: Connection, permission: str) -> bool:
    """Whether it makes no difference for whom one acts: what is public but the pages, where people are to be told."""
    if permission == PUBLIC and (
        connection.scope.get("method") not in SAFE or connection.scope["path"].startswith("/v1/")
    ):
        return True
    handler = connection.scope.get("route_handler")
    return handler is not None and bool(handler.opt.get(ANY_ORGANIZATION))


def _is_forged(connection: Connection, caller: Caller) -> bool:
    if caller.signed_in is not None:
        return not _same_site(connection, caller.signed_in)
    return caller.principal.kind is PrincipalKind.ANONYMOUS and _says_another_site(connection)


def _same_site(connection: Connection, signed_in: SignedIn) -> bool:
    token = connection.headers.get("x-csrf-token")
    if token is not None:
        return is_own_token(token, signed_in)
    fetch_site = connection.headers.get("sec-fetch-site")
    if fetch_site is not None:
        return fetch_site == "same-origin"
    origin = connection.headers.get("origin")
    return origin is not None and is_own(connection, origin)


def is_own_token(sent: str, signed_in: SignedIn) -> bool:
    """Whether it is the session's, or one of a page of it, whichever organization that was drawn for."""
    return is_token(sent, signed_in.csrf) or organization_of_page(sent, signed_in.csrf) is not None


def _says_another_site(connection: Connection) -> bool:
    fetch_site = connection.headers.get("sec-fetch-site")
    if fetch_site is not None:
        return fetch_site not in {"none", "same-origin"}
    # Browsers before Fetch Metadata, and all of them over plain HTTP. A program sends no Origin.
    origin = connection.headers.get("origin")
    return origin is not None and not is_own(connection, origin)
