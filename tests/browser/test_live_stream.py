"""A stream in a live room: from another process by HLS, interrupted and back, and replayed from its recording."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from app.embedded.engines import Addresses
from kernel import clock
from kernel.db.uow import Database, unit_of_work
from kernel.outbound import OutboundPolicy
from kernel.principal import SYSTEM
from kernel.secrets import SecretBox
from kernel.signing import TokenSigner
from tests.api_server import services_for, serving
from tests.browser.chromium import needs_chromium
from tests.browser.journeys.test_journey import find_faults
from tests.browser.stream_source import HEIGHT, WIDTH
from tests.emptied import empty
from tests.factories_marketplace import PASSWORD, make_channel, make_seller

pytestmark = needs_chromium
READY_S = 30
#: A browser that plays HLS by itself is shown the stream without our script: this one is one that does not.
WITHOUT_HLS = """
const canPlay = HTMLMediaElement.prototype.canPlayType;
HTMLMediaElement.prototype.canPlayType = function (type) { return type.includes("mpegurl") ? "" : canPlay.call(this, type); };
"""
SHOWN = f"(video) => video.videoWidth === {WIDTH} && video.videoHeight === {HEIGHT} && !video.paused && video.currentTime > "


class Source:
    """The stream's process."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.port: int = taken.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}/index.m3u8"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.browser.stream_source", str(self._folder), str(self.port)]
        )
        deadline = time.monotonic() + READY_S
        while True:
            try:
                if httpx.get(self.address, trust_env=False).text.count("#EXTINF") >= 2:
                    return
            except httpx.HTTPError:
                pass
            assert self._process.poll() is None, "the stream's process ended"
            assert time.monotonic() < deadline, "the stream did not begin in time"
            time.sleep(0.1)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for path in self._folder.iterdir():
                path.unlink()


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Source]:
    folder = tmp_path / "stream"
    folder.mkdir()
    made = Source(folder)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def server(addresses: Addresses, db: Database, tmp_path: Path, source: Source) -> Iterator[tuple[str, httpx.Client]]:
    """The product where this host is named, and its seller."""
    empty(addresses)
    host = f"127.0.0.1:{source.port}"
    services = services_for(
        db,
        tmp_path,
        signer=TokenSigner([secrets.token_bytes(32)]),
        box=SecretBox({"k1": secrets.token_bytes(32)}),
        policy=OutboundPolicy(permitted=frozenset({host})),
        live_stream_hosts=(host,),
    )
    with unit_of_work(db, SYSTEM) as uow:
        seller = make_seller(uow)
        make_channel(uow, seller)
    with serving(services) as address, httpx.Client(base_url=address, timeout=60, trust_env=False) as client:
        opened = client.post("/v1/session", json={"email": seller.email, "password": PASSWORD})
        client.headers["X-CSRF-Token"] = opened.json()["csrf"]
        yield address, client


def test_a_stream_is_seen_and_comes_back(server: tuple[str, httpx.Client], source: Source, chromium: Browser) -> None:
    address, client = server

    def ask(method: str, path: str, **body: Any) -> dict[str, Any]:
        answer = client.request(method, f"/v1/live-sessions{path}", json=body or None)
        assert answer.status_code < 400, answer.text
        return dict(answer.json())

    at = (clock.now() + timedelta(hours=1)).isoformat()
    stream = {"url": source.address, "minutes": 60}
    session = ask("POST", "", stream=stream, title="新品发布会", starts_at=at)["session"]
    assert (session["video_id"], session["stream_url"]) == (None, source.address)
    room = f"/live/{session['id']}"
    # Before it begins nobody else is told where its picture is.
    with httpx.Client(base_url=address, trust_env=False) as stranger:
        assert str(source.port) not in stranger.get(room).text
        ask("POST", f"/{session['id']}/start")
        policy = stranger.get(room).headers["Content-Security-Policy"]
        assert f"connect-src 'self' http://127.0.0.1:{source.port};" in policy
        assert str(source.port) not in stranger.get("/live").headers["Content-Security-Policy"]

    context = chromium.new_context(viewport={"width": 390, "height": 844}, locale="en")
    context.add_init_script(WITHOUT_HLS)
    page, heard = context.new_page(), list[str]()
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("console", lambda said: heard.append(said.text) if "Content Security" in said.text else None)
    page.goto(f"{address}{room}")
    video, interrupted = page.locator("video"), page.locator("[data-interrupted]")
    shown = f"() => ({SHOWN} 1)(document.querySelector('video'))"
    page.wait_for_function(shown, timeout=60_000)
    assert video.evaluate("(video) => video.currentSrc.startsWith('blob:')"), "by our script, not by the browser"
    expect(interrupted).to_be_hidden()
    assert find_faults(page) == []
    source.stop()
    expect(interrupted).to_be_visible(timeout=60_000)
    source.start()
    expect(interrupted).to_be_hidden(timeout=60_000)
    page.wait_for_function(shown, timeout=60_000)
    ask("POST", f"/{session['id']}/end")
    expect(page.locator("[data-room][data-state=ended]")).to_be_visible()
    expect(page.get_by_text("There is no recording yet")).to_be_visible()
    context.close()
    assert heard == []
