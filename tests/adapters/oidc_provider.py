"""An OpenID Connect provider as a process of its own, and the handle by which a test tells it whom to sign in, and what to get
wrong. `python -m tests.adapters.oidc_provider PORT` runs it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey

from kernel import clock

ROOT = Path(__file__).resolve().parents[2]
CLIENT_ID, CLIENT_SECRET = "market", "s3cret +/:é"
PATIENCE_S = 60


def signed_by_secret(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """By hand: no library would take a public key for a secret any more."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    mac = hmac.digest(secret, b".".join(parts), "sha256")
    return b".".join((*parts, base64.urlsafe_b64encode(mac).rstrip(b"="))).decode()


class Provider:
    """One provider process and its issuer."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.issuer = f"http://127.0.0.1:{self.port}/tenant"
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        arguments = [sys.executable, "-m", "tests.adapters.oidc_provider", str(self.port)]
        self._process = subprocess.Popen(arguments, env=environment)
        self.client = httpx.Client(base_url=self.issuer, timeout=PATIENCE_S, trust_env=False)
        deadline = time.monotonic() + PATIENCE_S
        while not self._is_ready():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def _is_ready(self) -> bool:
        assert self._process.poll() is None
        try:
            return self.client.get("/jwks").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_S)

    def behave(self, **values: Any) -> None:
        """Begin anew: `person` to sign in, `claims` and `header` that differ, `rotate`d keys, `metadata` that differs."""
        assert self.client.post("/behaviour", json=values).status_code == 200

    def approve(self, address: str) -> str:
        """What a browser does with the address it was sent to; where the provider sends it back to."""
        answer = self.client.get(address)
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    @property
    def asked(self) -> list[str]:
        """The paths that were asked for since `behave`."""
        found: list[str] = self.client.get("/asked").json()
        return found


class _State:
    """What the provider knows: its key, codes that wait, and how it is to behave."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.key = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
        self.codes: dict[str, dict[str, str]] = {}
        self.behaviour: dict[str, Any] = {}
        self.asked: list[str] = []

    def behave(self, values: dict[str, Any]) -> None:
        self.behaviour, self.asked = values, []
        if values.get("rotate"):
            self.key = RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig"})

    def metadata(self) -> dict[str, Any]:
        found = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
        }
        return {**found, **self.behaviour.get("metadata", {})}

    def id_token(self, asked: dict[str, str]) -> str:
        now = int(clock.wall_now().timestamp())
        claims = {
            "iss": self.issuer,
            "aud": asked["client_id"],
            "nonce": asked["nonce"],
            "iat": now,
            "exp": now + 300,
            "email_verified": True,
            **self.behaviour.get("person", {}),
            **self.behaviour.get("claims", {}),
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "RS256", "kid": self.key.kid} | self.behaviour.get("header", {})
        if header["alg"] == "none":
            parts = [json.dumps(part).encode() for part in (header, claims)]
            return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."
        if header["alg"] == "HS256":
            # The classic: the public key, which everybody has, as the secret.
            return signed_by_secret(header, claims, self.key.as_pem(private=False))
        key = RSAKey.generate_key(2048) if self.behaviour.get("another_key") else self.key
        return jwt.encode(header, claims, key)

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        asked = self.codes.pop(form.get("code", ""), None)
        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode().split(":")
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if [unquote(part) for part in pair] != [CLIENT_ID, CLIENT_SECRET]:
            return 401, {"error": "invalid_client"}
        if (
            asked is None
            or form.get("grant_type") != "authorization_code"
            or asked["redirect_uri"] != form.get("redirect_uri")
            or asked["code_challenge"] != challenge.decode().rstrip("=")
        ):
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": self.id_token(asked)}


def serve(port: int) -> None:
    state = _State(f"http://127.0.0.1:{port}/tenant")

    class Handler(BaseHTTPRequestHandler):
        def _answer(self, status: int, body: Any = None, **headers: str) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            path = url.path.removeprefix("/tenant")
            if path == "/asked":
                return self._answer(200, state.asked)
            state.asked.append(path)
            if path == "/.well-known/openid-configuration":
                return self._answer(200, state.metadata())
            if path == "/jwks":
                return self._answer(200, {"keys": [state.key.as_dict(private=False)]})
            if path == "/authorize":
                asked = {name: values[0] for name, values in parse_qs(url.query).items()}
                code = secrets.token_urlsafe(16)
                state.codes[code] = asked
                back = urlencode({"code": code, "state": asked["state"], "iss": state.issuer}, quote_via=quote)
                return self._answer(302, Location=f"{asked['redirect_uri']}?{back}")
            return self._answer(404)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            path = self.path.removeprefix("/tenant")
            if path == "/behaviour":
                state.behave(json.loads(body))
                return self._answer(200)
            state.asked.append(path)
            form = {name: values[0] for name, values in parse_qs(body).items()}
            status, answer = state.token(form, self.headers["Authorization"])
            return self._answer(status, answer)

        def log_message(self, format: str, *args: object) -> None:
            return

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
