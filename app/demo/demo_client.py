"""A person of the demo: signs in over public HTTP and asks for things, as any program would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx

from app.demo.outcome import StepFailed
from kernel.ids import uuid7

T = TypeVar("T")
CHUNK = 256 * 1024


def _named(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key or str(uuid7())}


class DemoClient:
    """One signed-in member of an organization."""

    def __init__(self, base_url: str, email: str, password: str, org_id: str | None = None) -> None:
        self.email, self._password, self._acts_for = email, password, org_id
        self._http = httpx.Client(base_url=base_url, timeout=60, headers={"Accept-Language": "en"}, trust_env=False)
        opened = self._sign_in()
        self.org_id: str = opened["org_id"]
        self.person_id: str = opened["person_id"]

    def get(self, path: str, **query: str) -> Any:
        """The JSON answer of a read."""
        return self._answer(self._ask("GET", path, params=query), (200,))

    def read(self, path: str) -> bytes:
        """The bytes of a file."""
        response = self._ask("GET", path)
        if response.status_code != 200:
            raise StepFailed(f"GET {path} answered {response.status_code}", {"body": response.text[:500]})
        return response.content

    def post(self, path: str, body: dict[str, Any] | None = None, *, expect: int = 200, key: str = "") -> Any:
        """The JSON answer of a change, under an Idempotency-Key: one of its own unless it is tried again under the same."""
        return self._answer(self._ask("POST", path, json=body, headers=_named(key)), (expect,))

    def put(self, path: str, body: dict[str, Any]) -> Any:
        """The JSON answer of a change that sets something."""
        return self._answer(self._ask("PUT", path, json=body), (200,))

    def put_nothing(self, path: str, body: dict[str, Any]) -> None:
        """A change that sets something and answers with nothing."""
        self._answer(self._ask("PUT", path, json=body), (204,))

    def finds(self, path: str) -> bool:
        """Whether it may be read; what is hidden is not found."""
        return self._answer(self._ask("GET", path), (200, 404)).get("code") is None

    def refused(self, path: str, body: dict[str, Any]) -> str:
        """The code with which a change is refused."""
        code: str = self._answer(self._ask("POST", path, json=body, headers=_named("")), (409,))["code"]
        return code

    def upload(self, path: str, file: Path) -> Any:
        """Stream a file as the body of a PUT; it is never read into memory at once."""

        def chunks() -> Iterator[bytes]:
            with file.open("rb") as source:
                while chunk := source.read(CHUNK):
                    yield chunk

        headers = {"Content-Type": "video/mp4", "Content-Length": str(file.stat().st_size)}
        response = self._http.put(path, params={"name": file.name}, content=chunks(), headers=headers)
        return self._answer(response, (202,))

    def watch_progress(self, path: str, seen: Callable[[dict[str, Any]], None]) -> None:
        """Read a server-sent event stream to its end, as the buyer's page does."""
        with self._http.stream("GET", path, timeout=90) as response:
            if response.status_code != 200:
                raise StepFailed(f"GET {path} answered {response.status_code}", {})
            event = ""
            for line in response.iter_lines():
                if line.startswith("event:"):
                    event = line[6:].strip()
                elif line.startswith("data:") and event == "progress":
                    seen(httpx.Response(200, text=line[5:].strip()).json())
                elif line.startswith("data:") and event == "end":
                    return

    def close(self) -> None:
        """Forget the connection; the session ends by itself."""
        self._http.close()

    def _sign_in(self) -> Any:
        body = {"email": self.email, "password": self._password, "org_id": self._acts_for}
        opened = self._answer(self._http.post("/v1/session", json=body), (201,))
        self._http.headers["X-CSRF-Token"] = opened["csrf"]
        return opened

    def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask; whose session has ended while months passed signs in again."""
        response = self._http.request(method, path, **options)
        if response.status_code == 401:
            self._sign_in()
            response = self._http.request(method, path, **options)
        return response

    @staticmethod
    def _answer(response: httpx.Response, expected: tuple[int, ...]) -> Any:
        if response.status_code not in expected:
            what = f"{response.request.method} {response.request.url.path} answered {response.status_code}"
            raise StepFailed(what, {"body": response.text[:1000]})
        return response.json() if response.content else None
