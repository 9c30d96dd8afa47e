"""Systems that take webhooks on local ports: a quick one that counts, and a dead one that takes a call and never answers."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from typing import cast

import httptools
import uvloop

HOST = "127.0.0.1"
_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class _Taking(asyncio.Protocol):
    """One connection of the quick one."""

    def __init__(self, receiver: EventReceiver) -> None:
        self._receiver = receiver
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._url, self._body = b"", b""
        self._headers: dict[str, str] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        """Called by the parser."""
        self._url, self._body, self._headers = url, b"", {}

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser."""
        self._headers[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        self._body += body

    def on_message_complete(self) -> None:
        """Called by the parser: counted, and answered."""
        self._receiver.take(self._url.decode(), self._headers, self._body)
        assert self._transport is not None  # noqa: S101 - set when it was connected
        self._transport.write(_ANSWER)


class _Hanging(asyncio.Protocol):
    """One connection of the dead one."""

    def __init__(self, receiver: EventReceiver) -> None:
        self._receiver = receiver

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        del transport
        self._receiver.hung += 1


class EventReceiver:
    """Both of them, on a thread of their own; `taken` counts the messages by path, each once."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.repeated = 0
        self.kept: dict[str, tuple[dict[str, str], bytes]] = {}
        """The first message of each path, to be verified."""
        self.hung = 0
        """Connections to the dead one."""
        self.port = self.dead_port = 0
        self._known: set[tuple[str, str]] = set()
        self._ready = threading.Event()
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="event-receiver", daemon=True)

    def start(self) -> None:
        """Listen. Returns when both do."""
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """Listen no more."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """Count a message."""
        known = (path, headers["webhook-id"])
        if known in self._known:
            self.repeated += 1
            return
        self._known.add(known)
        self.taken[path] += 1
        self.kept.setdefault(path, (headers, body))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        quick = self._loop.run_until_complete(self._loop.create_server(lambda: _Taking(self), HOST, 0))
        dead = self._loop.run_until_complete(self._loop.create_server(lambda: _Hanging(self), HOST, 0))
        self.port, self.dead_port = (one.sockets[0].getsockname()[1] for one in (quick, dead))  # type: ignore[attr-defined]
        self._ready.set()
        self._loop.run_forever()
