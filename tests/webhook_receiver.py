"""A customer's own system: takes webhooks on a local port, and verifies them as the specification's own library does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook


@dataclass
class Receiver:
    """What came in, and how it is answered."""

    port: int = 0
    secret: str = ""
    status: int = 204
    answer: bytes = b""
    messages: list[dict[str, Any]] = field(default_factory=list)
    """Bodies, in the order they came, those that were refused by `status` included."""
    forged: int = 0
    holds: threading.Event | None = None
    """Where it is set: nobody is answered before."""
    arrived: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Its address, by a permission that tests have for loopback."""
        return f"http://127.0.0.1:{self.port}/events"

    @property
    def types(self) -> list[str]:
        """What came in, by type."""
        return [message["type"] for message in self.messages]

    def take(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Verify, keep and answer."""
        if self.secret:
            try:
                Webhook(self.secret).verify(body, headers)
            except Exception:  # noqa: BLE001 - whatever the library says, it is not from us
                self.forged += 1
                return 401, b"no"
        self.messages.append(json.loads(body))
        self.arrived.set()
        if self.holds is not None:
            self.holds.wait(30)
        return self.status, self.answer


@contextmanager
def receiver() -> Iterator[Receiver]:
    """One, listening."""
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, answer = found.take(body, {name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            if status != 204:
                self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        found.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()
