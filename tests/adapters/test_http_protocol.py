"""What the server answers before any application is asked."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPResponse
from typing import Any

import pytest
import uvicorn

from api.headers import page_headers
from app.commands.serve import server_options
from app.http_protocol import MarketProtocol
from kernel.settings import Settings


async def never_asked(_scope: Any, _receive: Any, _send: Any) -> None:
    """What is no HTTP must not come as far."""
    raise AssertionError


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        options = server_options(Settings())
        server = uvicorn.Server(uvicorn.Config(never_asked, http=MarketProtocol, **options, lifespan="off"))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join(20)


@pytest.mark.parametrize(
    "sent",
    [
        b"no HTTP at all\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_no_http_is_refused_like_everything_else(port: int, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(sent)
        answer = HTTPResponse(connection)
        answer.begin()
        body = json.loads(answer.read())
        assert connection.recv(1) == b""
    assert (answer.status, answer.getheader("Content-Type")) == (400, "application/problem+json")
    assert (body["code"], body["status"]) == ("request_malformed", 400)
    assert body["safe"]
    wanted = page_headers("")
    told = {name: answer.getheader(name) for name in wanted}
    policy = told.pop("Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'nonce-")
    assert told == {name: value for name, value in wanted.items() if name != "Content-Security-Policy"}
