"""The server holds idle connections for longer than what stands before it does."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import Any

import httpx
import uvicorn

from app.commands.serve import server_options
from kernel.settings import Settings

UVICORN_S = 5
"""What uvicorn does by itself."""
PROXIES_S = 75
KEEP = httpx.Limits(keepalive_expiry=60)


async def constant(scope: Any, receive: Any, send: Any) -> None:
    """An application that has nothing to say."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def test_a_client_that_pauses_goes_on_over_its_connection() -> None:
    options = server_options(Settings())
    assert options["timeout_keep_alive"] > PROXIES_S
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(constant, **options, lifespan="off"))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.02)
        port = listener.getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, limits=KEEP) as client:
            for pause_s in (UVICORN_S + 1, 0):
                used = client.get("/").extensions["network_stream"].get_extra_info("client_addr")
                time.sleep(pause_s)
                assert client.get("/").extensions["network_stream"].get_extra_info("client_addr") == used
        server.should_exit = True
        thread.join(20)
