"""A product of its own to measure: fresh data folder, all processes, the sample market."""

from __future__ import annotations

import http.client
import json
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.embedded.supervisor import Supervisor
from app.process_plan import ProcessPlan, read_outcome
from kernel.ids import uuid7
from kernel.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class House:
    """The running product."""

    settings: Settings
    password: str


@contextmanager
def house() -> Iterator[House]:
    """Start the product on free ports and end it afterwards."""
    with tempfile.TemporaryDirectory(prefix="market-bench-") as folder:
        settings = load_settings(
            market_home=Path(folder),
            port=free_port(),
            sample_seller_port=free_port(),
            database_url=None,
            database_admin_url=None,
            redis_url=None,
        )
        with Supervisor(settings, lambda _en, _zh: None, ProcessPlan(settings)) as supervisor:
            yield House(supervisor.settings, read_outcome(settings).sign_ins[0].password)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


class Client:
    """One kept-alive connection, signed in as one person. As light as Python's own library allows."""

    def __init__(self, settings: Settings, email: str = "", password: str = "") -> None:
        self._connection = http.client.HTTPConnection(settings.host, settings.port, timeout=60)
        self._headers = {"Content-Type": "application/json"}
        if email:
            opened = self.ask("POST", "/v1/session", {"email": email, "password": password})
            self._headers["X-CSRF-Token"] = opened["csrf"]

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None, *, key: bool = False) -> Any:
        """One request; raises RuntimeError for anything but success."""
        headers = self._headers | ({"Idempotency-Key": str(uuid7())} if key else {})
        self._connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        response = self._connection.getresponse()
        content = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status} {content[:300]!r}")
        cookie = response.headers.get("set-cookie")
        if cookie:
            self._headers["Cookie"] = cookie.split(";", 1)[0]
        return json.loads(content) if content else None


def in_parallel(workers: list[Callable[[], None]], seconds: float) -> tuple[list[float], float]:
    """Call each worker again and again for `seconds`; the duration of every call in seconds, and the time it all took."""
    durations: list[float] = []
    lock = threading.Lock()
    until = time.monotonic() + seconds

    def loop(work: Callable[[], None]) -> None:
        own: list[float] = []
        while time.monotonic() < until:
            begun = time.monotonic()
            work()
            own.append(time.monotonic() - begun)
        with lock:
            durations.extend(own)

    begun = time.monotonic()
    threads = [threading.Thread(target=loop, args=(work,)) for work in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return durations, time.monotonic() - begun
