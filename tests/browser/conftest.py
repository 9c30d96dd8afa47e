"""The real product for browser tests: `market up` on free ports and an empty home, and a Chromium that listens."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.browser.chromium import CHROMIUM, needs_chromium
from tests.browser.preview.shoot import QUIET

PASSWORD = "market-sample-2026"
START_S = 300
STOP_S = 60


@dataclass(frozen=True)
class Product:
    """Where the product and its sample seller answer."""

    address: str
    seller: str


@dataclass
class Visitor:
    """A page, and everything its browser complained about. `allowed` are parts of addresses that may answer with an error."""

    page: Page
    heard: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def listen(self) -> None:
        """Write down errors of scripts, of the security policy and of failed requests."""
        self.page.on("pageerror", lambda error: self.heard.append(str(error)))
        self.page.on("console", self._console)

    def _console(self, message: ConsoleMessage) -> None:
        address = message.location.get("url", "")
        if message.type in {"error", "warning"} and not any(part in address for part in self.allowed):
            self.heard.append(f"{message.type}: {message.text} {address}")


Visits = Callable[..., Visitor]


def free_ports(number: int) -> list[int]:
    """Ports nobody listens on."""
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)]
        return [listener.getsockname()[1] for listener in listeners]


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    """`market up` with its sample data."""
    port, seller = free_ports(2)
    told = {
        "PORT": str(port),
        "SAMPLE_SELLER_PORT": str(seller),
        "SAMPLE_HISTORY": "off",
    }
    with running_product(told) as (address, _):
        yield Product(address, f"http://127.0.0.1:{seller}")


@contextmanager
def running_product(told: Mapping[str, str], *options: str) -> Iterator[tuple[str, dict[str, str]]]:
    """`market up` in an empty home while the context lasts: its address, and the environment it runs in.

    Ended with Ctrl-C's signal; its output is shown when it does not start.
    """
    hidden = {"DATABASE_URL", "DATABASE_ADMIN_URL", "REDIS_URL", "PUBLIC_URL"}
    # Not one of pytest's folders: another run that begins meanwhile would close them to PostgreSQL's own user.
    home = Path(tempfile.mkdtemp(prefix="market-home-"))
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment |= {**told, "MARKET_HOME": str(home / "data")}
    output = home / "output"
    with output.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "up", *options], env=environment, stdout=sink, stderr=subprocess.STDOUT
        )
    try:
        address = f"http://127.0.0.1:{told['PORT']}"
        _wait_until_ready(process, address, output)
        yield address, environment
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(home, ignore_errors=True)


def _wait_until_ready(process: subprocess.Popen[bytes], address: str, output: Path) -> None:
    deadline = time.monotonic() + START_S
    with httpx.Client(timeout=5, trust_env=False) as client:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            try:
                if client.get(f"{address}/readyz").status_code == httpx.codes.OK:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.2)
    pytest.fail(f"the product did not start:\n{output.read_text('utf-8', 'replace')[-4000:]}")


# A noisy machine may take its time over a quote; how fast it is, is not what these tests are about.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for the session."""
    if CHROMIUM is None:
        pytest.skip(needs_chromium.kwargs["reason"])
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(QUIET))
        yield made
        made.close()


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visits]:
    """Open a browser of one's own: `visit(width, language, scheme=…, scripts=…)`. Fails when any of them complained."""
    contexts: list[BrowserContext] = []
    visitors: list[Visitor] = []

    def open_one(width: int, language: str, *, scheme: str = "light", scripts: bool = True) -> Visitor:
        context = chromium.new_context(
            viewport={"width": width, "height": 844 if width < 600 else 832},
            locale=language,
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=scripts,
            reduced_motion="reduce",
            accept_downloads=True,
        )
        context.set_default_timeout(30_000)
        contexts.append(context)
        visitor = Visitor(context.new_page())
        visitor.listen()
        visitors.append(visitor)
        return visitor

    yield open_one
    for context in contexts:
        context.close()
    assert [visitor.heard for visitor in visitors if visitor.heard] == []
