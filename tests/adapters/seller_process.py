"""The sample seller as a process, the listener it calls back, and the calls it gets: for every test that needs one."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from kernel import clock, ids, signing

PATIENCE_S = 90
"""How long a busy machine may take over what should be a moment."""
FOLDER = Path(__file__).resolve().parents[2] / "examples" / "seller_app"
SECRET, OTHER_SECRET = signing.new_webhook_secret(), signing.new_webhook_secret()


class Seller:
    """One process and its address."""

    def __init__(self, data: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._data = data
        self.address = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(base_url=self.address, timeout=PATIENCE_S, trust_env=False)
        self.start()

    def start(self) -> None:
        arguments = ["--port", str(self.port), "--data", str(self._data), "--market-url", "https://market.example"]
        arguments += ["--secret", f"northwind={SECRET}", "--secret", f"contoso={OTHER_SECRET}"]
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(FOLDER)}
        self.process = subprocess.Popen([sys.executable, "-P", "-m", "seller_app", *arguments], env=environment)
        until(self._is_ready)

    def _is_ready(self) -> bool:
        assert self.process.poll() is None
        try:
            return self.client.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def behave(self, **values: Any) -> None:
        answer = self.client.post("/behaviour", json={"reset": True, **values})
        assert answer.status_code == 200, answer.text

    def deliver(
        self, event: dict[str, Any], secrets: Sequence[str] = (SECRET,), path: str = "/northwind", **headers: str
    ) -> httpx.Response:
        body = json.dumps(event, ensure_ascii=False).encode()
        signed = signing.sign_webhook(list(secrets), event["id"], body) | headers
        return self.client.post(
            f"/webhooks/marketplace{path}",
            content=body,
            headers={"Content-Type": "application/cloudevents+json; charset=utf-8", **signed},
        )

    def log(self, entitlement_id: str) -> dict[str, Any]:
        log: dict[str, Any] = self.client.get("/log", params={"entitlement_id": entitlement_id}).json()
        return log


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


class Callbacks:
    """Our side of the signed operation URL: a listener that records what arrives."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.refuse_first = 0
        outer = self

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = 204
                if outer.refuse_first > 0:
                    outer.refuse_first -= 1
                    status = 503
                else:
                    outer.bodies.append(body)
                self.send_response(status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hooks/runs/token"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def ended(self) -> bool:
        return any(body["status"] != "progress" for body in self.bodies)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def event(operation: str = "provision", entitlement_id: str | None = None, **changes: Any) -> dict[str, Any]:
    data: dict[str, Any] = {
        "operation": operation,
        "run_id": str(ids.uuid7()),
        "attempt": 1,
        "entitlement_id": entitlement_id or str(ids.uuid7()),
        "order_id": str(ids.uuid7()),
        "order_line_id": str(ids.uuid7()),
        "organization": {"id": str(ids.uuid7()), "name": "杭州某某科技有限公司", "country": "CN"},
        "listing": {"id": str(ids.uuid7()), "title": "看板 <Boards>"},
        "plan": {"id": str(ids.uuid7()), "code": "team", "name": "团队版"},
        "seats": 5,
        "term": {"start": "2026-11-01T00:00:00Z", "end": "2027-11-01T00:00:00Z"},
        "callback_url": None,
        "deadline_at": "2026-11-02T00:00:00Z",
    }
    return {
        "specversion": "1.0",
        "id": f"msg_{data['run_id']}",
        "source": "https://market.example",
        "type": f"com.channelmarket.run.{operation}.v1",
        "time": clock.wall_now().isoformat(),
        "datacontenttype": "application/json",
        "data": data | changes,
    }
