"""Group robots of DingTalk, WeCom and Feishu as one process of its own: checks key, signature, form and size of what is posted,
and counts. Written from their documentation alone, with nothing of the product's own protocols.
`python -m tests.adapters.robot_provider PORT` runs it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from kernel import clock

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60
KEY = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
SECRET = {"dingtalk": "SEC" + "5e" * 32, "wecom": "", "feishu": "Hk3nOfFeishuRobot"}
HOUR_S = 3_600
PATHS = {
    "dingtalk": "/robot/send?access_token={}",
    "wecom": "/cgi-bin/webhook/send?key={}",
    "feishu": "/open-apis/bot/v2/hook/{}",
}


class RobotProviders:
    """The process, and a hand on how it answers."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        arguments = [sys.executable, "-m", "tests.adapters.robot_provider", str(self.port)]
        self._process = subprocess.Popen(arguments, env=environment)
        self.client = httpx.Client(base_url=self.base, timeout=PATIENCE_S, trust_env=False)
        deadline = time.monotonic() + PATIENCE_S
        while not self._is_ready():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def _is_ready(self) -> bool:
        assert self._process.poll() is None
        try:
            return self.client.get("/control/posts").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_S)

    def address(self, provider: str, key: str = KEY) -> str:
        """As the provider shows it to whoever adds the robot."""
        return self.base + PATHS[provider].format(key)

    def behave(self, *ends: str) -> None:
        """Forget what was posted. Each end is how the next post is answered: `busy`, `down`, `lose` (posted, no answer)."""
        assert self.client.post("/control/behave", json=list(ends)).status_code == 200

    def posts(self) -> list[dict[str, Any]]:
        """What stands in the group: `provider` and `body`."""
        found: list[dict[str, Any]] = self.client.get("/control/posts").json()
        return found


def _mac(key: str, message: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), message.encode(), hashlib.sha256).digest()).decode()


def _dingtalk(query: dict[str, str], body: dict[str, Any]) -> tuple[int, str]:
    if query.get("access_token") != KEY:
        return 300001, "token is not exist"
    stamp = query.get("timestamp", "")
    # https://open.dingtalk.com/document/orgapp/customize-robot-security-settings: within an hour, key is the secret.
    signed = _mac(SECRET["dingtalk"], f"{stamp}\n{SECRET['dingtalk']}")
    if (
        not stamp.isdigit()
        or abs(int(stamp) / 1000 - clock.wall_now().timestamp()) > HOUR_S
        or query.get("sign") != signed
    ):
        return 310000, "sign not match, more: [https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]"
    if body["msgtype"] == "actionCard":
        card = body["actionCard"]
        assert set(card) == {"title", "text", "singleTitle", "singleURL"}
        assert all(isinstance(one, str) and one for one in card.values())
    else:
        assert body["msgtype"] == "markdown"
        assert set(body["markdown"]) == {"title", "text"}
    return 0, "ok"


def _wecom(query: dict[str, str], body: dict[str, Any]) -> tuple[int, str]:
    if query != {"key": KEY}:
        return 93000, "invalid webhook url"
    assert set(body) == {"msgtype", "markdown"}
    assert len(body["markdown"]["content"].encode()) <= 4_096
    return 0, "ok"


def _feishu(key: str, body: dict[str, Any]) -> tuple[int, str]:
    if key != KEY:
        return 19001, "param invalid: incoming webhook access token invalid"
    stamp = body["timestamp"]
    # https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot: "timestamp\nsecret" is the key, nothing is signed.
    signed = _mac(f"{stamp}\n{SECRET['feishu']}", "")
    if abs(int(stamp) - clock.wall_now().timestamp()) > HOUR_S or body["sign"] != signed:
        return 19021, "sign match fail or timestamp is not within one hour from current time"
    assert body["msg_type"] == "interactive"
    assert body["card"]["header"]["title"]["tag"] == "plain_text"
    assert {one["tag"] for one in body["card"]["elements"]} == {"div", "action"}
    return 0, "success"


class _Handler(BaseHTTPRequestHandler):
    posts: list[dict[str, Any]]
    ends: list[str]

    def _answer(self, status: int, body: Any = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        return self._answer(200, _Handler.posts)

    def do_POST(self) -> None:
        content, url = self.rfile.read(int(self.headers["Content-Length"])), urlsplit(self.path)
        if url.path == "/control/behave":
            _Handler.posts, _Handler.ends = [], json.loads(content)
            return self._answer(200)
        assert self.headers["Content-Type"].startswith("application/json")
        assert len(content) <= 20_000
        query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        body = json.loads(content)
        feishu = url.path.startswith("/open-apis/bot/v2/hook/")
        provider = "feishu" if feishu else {"/robot/send": "dingtalk", "/cgi-bin/webhook/send": "wecom"}[url.path]
        end = _Handler.ends.pop(0) if _Handler.ends else "ok"
        if end == "down":
            return self._answer(502, {"message": "bad gateway"})
        if end == "busy":
            code = {"dingtalk": 130101, "wecom": 45009, "feishu": 11232}[provider]
            return self._said(provider, code, "send too fast, exceed 20 times per minute")
        if feishu:
            code, words = _feishu(url.path.rsplit("/", 1)[1], body)
        else:
            code, words = (_dingtalk if provider == "dingtalk" else _wecom)(query, body)
        if code == 0:
            _Handler.posts.append({"provider": provider, "body": body})
        if end == "lose":
            self.close_connection = True
            self.connection.close()
            return None
        return self._said(provider, code, words)

    def _said(self, provider: str, code: int, words: str) -> None:
        names = ("code", "msg") if provider == "feishu" else ("errcode", "errmsg")
        return self._answer(200, dict(zip(names, (code, words), strict=True)))

    def log_message(self, format: str, *args: object) -> None:
        return


_Handler.posts, _Handler.ends = [], []


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), _Handler).serve_forever()
