"""One request, one transaction: who asks is found out and refused in the transaction that the handler goes on to use.

A handler takes `request: ApiRequest` (or a page's `page_request`) and works in
`request.transaction()` or `request.transact(work)`.
Both begin as the platform, look the credential up, apply the route's declared permission, and continue as the principal,
all on the handler's thread. Whoever presents no credential is refused, or let through as anonymous, before any of this.

No handler runs unauthorized, whether or not it opens a transaction: `authorized` wraps every handler that runs on a thread
(`api/routes.py`), and `guard` authorizes the others, event streams and uploads, in a short transaction before their body
is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from inspect import iscoroutinefunction, signature
from types import TracebackType
from typing import Any, TypeVar, get_type_hints

import structlog
from litestar import Request
from litestar.concurrency import sync_to_thread
from litestar.connection.base import empty_receive, empty_send
from litestar.datastructures import FormMultiDict
from litestar.enums import HttpMethod, RequestEncodingType
from litestar.exceptions import ClientException, ImproperlyConfiguredException, NotFoundException
from litestar.handlers.base import BaseRouteHandler
from litestar.types import Empty, Receive, Scope, Send

from api.auth import (
    NOBODY,
    PUBLIC,
    SAFE,
    Caller,
    Connection,
    authenticate,
    has_credentials,
    refuse_unpermitted,
    refuse_while_moving,
)
from api.context import Services
from api.known_values import OPTION as KNOWN_VALUES
from api.known_values import known_values, refuse_unknown
from api.rate_limits import count_recognised, count_request
from kernel import clock
from kernel.db.uow import UnitOfWork, transact, unit_of_work
from kernel.principal import SYSTEM, Principal
from marketplace.access.authenticate import SignedIn
from marketplace.test_clocks.own_time import find_own_time

T = TypeVar("T")

OPTIONS_ALONE = {HttpMethod.OPTIONS}
MAX_BODY_BYTES = 1_048_576
"""JSON and forms; the media upload reads its stream under its own limit. Who may send more is asked before it is read."""


class ApiRequest(Request[Any, Any, Any]):
    """A request with the services, the caller, and the caller's one transaction."""

    def __init__(self, scope: Scope, receive: Receive = empty_receive, send: Send = empty_send) -> None:
        super().__init__(scope, receive, send)
        self._begun: tuple[ExitStack, UnitOfWork] | None = None

    async def json(self) -> Any:
        """The body. Raises ClientException for what is no JSON, too deeply nested or not in UTF-8."""
        try:
            return await super().json()
        except (RecursionError, UnicodeDecodeError) as error:
            raise ClientException("no JSON that can be read") from error

    async def form(self) -> FormMultiDict:
        """The form. Raises ClientException for what is none: a part without a name, in an unknown or another charset."""
        try:
            return await super().form()
        except (LookupError, ValueError, TypeError, AttributeError) as error:
            raise ClientException("no form that can be read") from error

    @property
    def services(self) -> Services:
        """The ports behind the edge."""
        found: Services = self.scope["litestar_app"].state["services"]
        return found

    @property
    def permission(self) -> str:
        """What the route declares."""
        declared: str = self.scope["route_handler"].opt["permission"]
        return declared

    @property
    def caller(self) -> Caller:
        """Who asks; looked up now where nobody asked before. Raises as `authorize`."""
        if self.known_caller is None:
            self.authorize()
        found = self.known_caller
        assert found is not None  # noqa: S101 - `authorize` has set it or raised
        return found

    @property
    def known_caller(self) -> Caller | None:
        """Who asks, None as long as that was not looked up."""
        found: Caller | None = self.scope.get("state", {}).get("caller")
        return found

    @property
    def principal(self) -> Principal:
        """The actor: of the caller's transactions, and for what a handler decides by permission."""
        return self.caller.principal

    @property
    def signed_in(self) -> SignedIn | None:
        """The person and the organizations to switch to, None for keys and anonymous."""
        return self.caller.signed_in

    @property
    def awaits_authorization(self) -> bool:
        """Whether the route asks who the caller is, and nobody has looked yet."""
        handler = self.scope.get("route_handler")
        if self.known_caller is not None or handler is None or "permission" not in handler.opt:
            return False
        return self.permission != PUBLIC or self.method not in SAFE

    def authorize(self) -> None:
        """Begin the transaction, look the caller up and apply the route's permission; the next `transaction` goes on in it.

        Raises: as `refuse_unpermitted`.
        """
        refuse_event_loop()
        with ExitStack() as stack:
            uow = stack.enter_context(unit_of_work(self.services.db, SYSTEM))
            caller = authenticate(uow, self)
            count_recognised(self, is_somebody=caller is not NOBODY)
            refuse_unpermitted(self, caller, self.permission)
            own = find_own_time(uow, caller.principal.org_id)
            if own is not None:
                refuse_while_moving(self, own)
                clock.go_on_at(own)
            uow.act_as(caller.principal)
            self._admit(caller)
            self._begun = stack.pop_all(), uow

    def authorize_apart(self) -> None:
        """Authorize in a short transaction of its own: for handlers that hold none while they stream. Raises as `authorize`."""
        self.authorize()
        self.end_transaction()

    def end_transaction(self) -> None:
        """Commit what was begun and not used."""
        self._end(None, None, None)

    @contextmanager
    def transaction(self, *, acting_as: Principal | None = None) -> Iterator[UnitOfWork]:
        """The caller's unit of work: the one in which they were recognised, a new one each further time.

        `acting_as` is the platform where it acts for whoever asks, as in signing out.

        Raises: as `authorize`, when the caller was not looked up before; as `unit_of_work`.
        """
        principal = acting_as or self.principal
        begun, self._begun = self._begun, None
        if begun is None:
            with unit_of_work(self.services.db, principal) as uow:
                yield uow
            return
        stack, uow = begun
        with stack:
            if acting_as is not None:
                uow.act_as(acting_as)
            yield uow

    def transact(self, work: Callable[[UnitOfWork], T], *, acting_as: Principal | None = None) -> T:
        """Run `work` in `transaction`, again from the start after a deadlock or serialization failure."""
        principal = acting_as or self.principal
        return transact(self.services.db, principal, work, begin=lambda: self.transaction(acting_as=acting_as))

    @contextmanager
    def authorized(self) -> Iterator[None]:
        """Around a handler on its thread: refuses before it, and ends what it left unused.

        Reading what is public asks for nobody: the caller is looked up by the first transaction, if there is one.
        """
        if self.awaits_authorization:
            self.authorize()
        with ExitStack() as unused:
            unused.push(self._end)
            yield

    def _end(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        begun, self._begun = self._begun, None
        return begun[0].__exit__(kind, error, trace) if begun else None

    def _admit(self, caller: Caller) -> None:
        self.scope["state"]["caller"] = caller
        if caller.principal.org_id is not None:
            structlog.contextvars.bind_contextvars(organization_id=str(caller.principal.org_id))


async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
    """Refuse at once whoever asks too often or presents no credential to a route that needs one; look up who would stream or
    send much.

    Raises: as `count_request` and `refuse_unpermitted`.
    """
    if not isinstance(connection, ApiRequest):
        msg = "the guard knows HTTP requests only"
        raise TypeError(msg)
    if "permission" not in handler.opt:
        # Every route of ours declares one. Of those that the framework adds, only what says which methods there are runs.
        if getattr(handler, "http_methods", None) == OPTIONS_ALONE:
            return
        raise NotFoundException
    await count_request(connection)
    if not has_credentials(connection):
        refuse_unpermitted(connection, NOBODY, connection.permission)
        connection.scope["state"]["caller"] = NOBODY
    elif handler.opt.get("authorized") == "apart":
        await sync_to_thread(connection.authorize_apart)
    if handler.opt.get("reads_form"):
        # Before the framework's extractor, which takes what was read here and fails at what is no form.
        await connection.form()


def authorize_handler(handler: Any) -> Any:
    """`handler`, not run before its route's permission was applied.

    Raises:
        ImproperlyConfiguredException: it declares no permission, or takes neither `request` nor `page_request` to authorize by.
    """
    path, permission = sorted(handler.paths), handler.opt.get("permission")
    if words := known_values(handler.fn):
        handler.opt = {**handler.opt, KNOWN_VALUES: words}
    if _reads_form(handler.fn):
        handler.opt = {**handler.opt, "reads_form": True}
    if permission is None:
        msg = f"{path} declares no permission"
        raise ImproperlyConfiguredException(msg)
    is_safe = permission == PUBLIC and handler.http_methods <= SAFE
    if iscoroutinefunction(handler.fn) or _takes_much(handler):
        handler.opt = {**handler.opt, "authorized": "later" if is_safe else "apart"}
    if iscoroutinefunction(handler.fn):
        return handler
    source = next((name for name in ("request", "page_request") if name in signature(handler.fn).parameters), None)
    if source is None or not handler.sync_to_thread:
        if permission != PUBLIC:
            msg = f"{path} cannot be authorized: it needs a thread and `request` or `page_request`"
            raise ImproperlyConfiguredException(msg)
        return handler
    handler._fn = _authorized(handler.fn, source)  # noqa: SLF001 - a copy of our own; Litestar offers no other way in
    return handler


def _authorized(fn: Callable[..., T], source: str) -> Callable[..., T]:
    @wraps(fn)
    def run(**arguments: Any) -> T:
        given = arguments[source]
        request: ApiRequest = given if source == "request" else given.request
        with request.authorized():
            refuse_unknown(request)
            return fn(**arguments)

    return run


def _reads_form(fn: Callable[..., Any]) -> bool:
    data = get_type_hints(fn, include_extras=True).get("data") if "data" in signature(fn).parameters else None
    said = (getattr(one, "media_type", None) for one in getattr(data, "__metadata__", ()))
    return RequestEncodingType.MULTI_PART in said


def _takes_much(handler: Any) -> bool:
    most = handler.request_max_body_size
    return most is None or (most is not Empty and most > MAX_BODY_BYTES)


def refuse_event_loop() -> None:
    """Raises RuntimeError on the event loop, which must never wait for the database."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    msg = "the caller is looked up on a thread, never on the event loop"
    raise RuntimeError(msg)
