"""An HTTP/1.1 client on an event loop: one kept-alive connection, little work per request, so that it is never the slow side."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar, cast

import httptools
import uvloop

from kernel.ids import uuid7

T = TypeVar("T")
Step = Callable[[], Awaitable[object]]
"""One unit of a bench's work, done again and again by one client."""
TIMEOUT_S = 60.0


class Refused(Exception):
    """An answer that is no success. A bench that meets one ends: its figures would count refusals as work."""


class Connection(asyncio.Protocol):
    """One connection, one request at a time. The parser lives as long as the connection does."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[bytes] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._body: list[bytes] = []
        self.cookie = b""

    @property
    def status(self) -> int:
        """Status of the answer that was read last."""
        return int(self._parser.get_status_code())

    def ask(self, request: bytes) -> asyncio.Future[bytes]:
        """Send a request; the future holds the answer's body."""
        if self.transport is None:
            raise ConnectionError("the connection is closed")
        loop = asyncio.get_running_loop()
        answer = self._answer = loop.create_future()
        self._body.clear()
        self._deadline = loop.call_later(TIMEOUT_S, self._give_up)
        self.transport.write(request)
        return answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self.transport = cast("asyncio.Transport", transport)  # TCP has no other; uvloop's is no subclass of it

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop: whoever waits learns of it."""
        self.transport = None
        if self._deadline is not None:
            self._deadline.cancel()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser. Only a session's cookie matters here."""
        if name.lower() == b"set-cookie":
            self.cookie = value.split(b";", 1)[0]

    def on_body(self, body: bytes) -> None:
        """Called by the parser, for each piece."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Called by the parser. An interim answer (1xx) is not the answer."""
        if self.status < 200 or self._answer is None:
            return
        if self._deadline is not None:
            self._deadline.cancel()
        if not self._answer.done():
            self._answer.set_result(b"".join(self._body))

    def _give_up(self) -> None:
        if self.transport is not None:
            self.transport.abort()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(TimeoutError(f"no answer in {TIMEOUT_S:.0f} s"))


class Client:
    """One person's browser or program. Its requests go one after another."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._connection: Connection | None = None
        self._credentials = b""

    async def sign_in(self, email: str, password: str) -> None:
        """Open a session; every later request carries it."""
        opened = await self.ask("POST", "/v1/session", {"email": email, "password": password})
        assert self._connection is not None  # noqa: S101 - it has just answered
        self._credentials = b"Cookie: %s\r\nX-CSRF-Token: %s\r\n" % (self._connection.cookie, opened["csrf"].encode())

    async def ask(self, method: str, path: str, body: object = None, *, key: bool = False) -> Any:
        """The JSON answer to a request, with an Idempotency-Key of its own if `key`. Raises Refused, ConnectionError."""
        content = await self.fetch(method, path, body, key=key)
        return json.loads(content) if content else None

    async def fetch(self, method: str, path: str, body: object = None, *, key: bool = False) -> bytes:
        """As `ask`, without reading the body."""
        connection = self._connection
        if connection is None or connection.transport is None:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(Connection, self._host, self._port)
            self._connection = connection
        content = await connection.ask(self.encode(method, path, body, key=key))
        if not 200 <= connection.status < 300:
            raise Refused(f"{method} {path}: {connection.status} {content[:300]!r}")
        return content

    def encode(self, method: str, path: str, body: object = None, *, key: bool = False) -> bytes:
        """The request as it goes over the wire."""
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nAccept: application/json\r\n".encode()
        head += self._credentials
        if key:
            head += f"Idempotency-Key: {uuid7()}\r\n".encode()
        if method == "GET":
            return head + b"\r\n"
        content = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        return head + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content)

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        if self._connection is not None and self._connection.transport is not None:
            self._connection.transport.close()


async def repeat(steps: Sequence[Step], *, seconds: float | None = None, times: int | None = None) -> list[float]:
    """Do every step again and again, all side by side, for `seconds` or each `times` often; the duration of each in seconds.

    The first that fails ends all.
    """
    durations: list[float] = []
    until = time.monotonic() + seconds if seconds is not None else float("inf")

    async def loop(step: Step) -> None:
        left = times if times is not None else -1
        while left != 0 and time.monotonic() < until:
            begun = time.monotonic()
            await step()
            durations.append(time.monotonic() - begun)
            left -= 1

    async with asyncio.TaskGroup() as group:
        for step in steps:
            group.create_task(loop(step))
    return durations


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a bench's asynchronous part to its end, on the loop that the server uses, too."""
    return uvloop.run(work)
