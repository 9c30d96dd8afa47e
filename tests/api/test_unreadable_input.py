"""Whatever is sent, to every route, in every content type: an answer that is no server error, with all of our headers.

Calls the application as a server would, without a client in between that would refuse to send such things.
"""

from __future__ import annotations

import gc
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.testing import TestClient

from api.context import Services
from app.commands.openapi import build
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from tests.api_server import application
from tests.event_loop import run_async
from tests.factories_marketplace import PASSWORD, make_seller

SEED = 20261128
COLLECTED_AFTER = 50
JSON, FORM, MULTIPART = "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"
ALWAYS = ("x-request-id", "content-security-policy", "x-content-type-options", "x-frame-options")


@pytest.fixture(scope="module")
def app(services: Services) -> Litestar:
    """Without a limit for the one network from which thousands of requests come here."""
    return application(replace(services, settings=services.settings.model_copy(update={"rate_limit_network": 0})))


@dataclass(frozen=True)
class Request:
    """A request as it stands on the wire."""

    method: str
    target: str
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    hosts: tuple[bytes, ...] = (b"market.example",)
    version: str = "1.1"


@dataclass
class Answer:
    """What came back."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


async def call(app: Litestar, request: Request) -> Answer:
    """One request, as uvicorn hands it on."""
    path, _, query = request.target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": request.version,
        "method": request.method,
        "scheme": "https",
        "path": unquote(path),
        "raw_path": path.encode("ascii"),
        "query_string": query.encode("ascii"),
        "root_path": "",
        "headers": [
            *((b"host", host) for host in request.hosts),
            (b"content-length", b"%d" % len(request.body)),
            *request.headers,
        ],
        "client": ("198.51.100.7", 4711),
        "server": ("127.0.0.1", 8000),
    }
    sent = [{"type": "http.request", "body": request.body, "more_body": False}]
    answer = Answer()

    async def receive() -> Any:
        return sent.pop() if sent else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in message["headers"]
            }
        else:
            answer.body += message.get("body", b"")

    await app(scope, receive, send)  # type: ignore[arg-type]
    return answer


@pytest.fixture(autouse=True)
def _collected_between() -> Iterator[None]:
    """Garbage is collected between requests: where a deep body is read, at the limit of recursion, no finalizer can run."""
    gc.disable()
    yield
    gc.enable()


def ask(app: Litestar, *requests: Request) -> list[Answer]:
    async def run() -> list[Answer]:
        answers = []
        for number, request in enumerate(requests):
            if number % COLLECTED_AFTER == 0:
                gc.collect(1)
            answers.append(await call(app, request))
        return answers

    return run_async(run())


def headers(**named: str | bytes) -> tuple[tuple[bytes, bytes], ...]:
    return tuple(
        (name.replace("_", "-").encode(), value if isinstance(value, bytes) else value.encode("latin-1"))
        for name, value in named.items()
    )


def deep(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


BODIES: tuple[tuple[str, bytes], ...] = (
    (JSON, deep(100_000)),
    (JSON, b'{"a":' * 5_000 + b"1" + b"}" * 5_000),
    (JSON, b'{"email":"a\xff@b.example","password":"x"}'),
    (JSON, b'{"email":"\\ud800@b.example","password":"\\u0000"}'),
    (JSON, b"\xef\xbb\xbf{}"),
    (JSON, b"[]"),
    (JSON, b"null"),
    (JSON, b"9" * 5_000),
    (JSON, b'{"a":1e999999}'),
    (JSON, b""),
    ("application/json; charset=utf-7", b"{}"),
    ("application/json; charset=nonsense", b'{"a":"\xe4"}'),
    ("application/x-msgpack", b"\x91" * 100_000),
    ("text/html", b"<p>"),
    ("/;=\xff", b"\x00"),
    (FORM, b"csrf=%FF&a=%00&=&;&%"),
    (FORM, b"\xff\xfe\x00=\xff"),
    (FORM, b"&".join(b"a%d=1" % number for number in range(3_000))),
    ("application/x-www-form-urlencoded; charset=utf-16", b"a=b"),
    ("multipart/form-data", b"--x--\r\n"),
    ("multipart/form-data; boundary=", b"----\r\n"),
    ("multipart/form-data; boundary=\xff\xe4", b"--x\r\n"),
    (MULTIPART, b""),
    (MULTIPART, b"--x"),
    (MULTIPART, b"--x\r\n\r\nno header\r\n--x--\r\n"),
    (MULTIPART, b"--x\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--x--\r\n"),
    (MULTIPART, b'--x\r\nContent-Disposition: form-data; name=""\r\n\r\nempty name\r\n--x--\r\n'),
    (MULTIPART, b'--x\r\nContent-Disposition: form-data; filename="a.mp4"\r\n\r\nno name\r\n--x--\r\n'),
    (
        MULTIPART,
        b'--x\r\nContent-Disposition: form-data; name="file"\r\nContent-Type: video/mp4\r\n\r\n\xff\xfe\r\n--x--\r\n',
    ),
    (MULTIPART, b'--x\r\nContent-Disposition: form-data; name="file"; filename=""\r\n\r\n\xff\xfe\r\n--x--\r\n'),
    (MULTIPART, b'--x\r\nContent-Disposition: form-data; name="file"; filename="\x00\xff"\r\n\r\nx\r\n--x--\r\n'),
    (
        MULTIPART,
        b'--x\r\nContent-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset=nonsense\r\n\r\nx\r\n--x--\r\n',
    ),
    (MULTIPART, b'--x\r\nContent-Disposition: form-data; name="a"\xff\r\n\r\nx\r\n--x--\r\n'),
    (MULTIPART, b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' * 1_100 + b"--x--\r\n"),
)
QUERIES = (
    "%FF=%FE", "q=%00", "q=a%00b&state=%00", "cursor=%FF", "cursor=%00", "cursor=AAAA", "limit=-1", "limit=99999999999999999999",
    "limit=%F0%9F", "month=%00", "v=%FF&token=%00", "token=....", "token=e30.e30", "q=%ED%A0%80", "&&==&", "a=" + "b" * 3_000,
    "next=%00", "email=%FF", "%", "name=%00.mp4", "state=%ED%A0%80", "since=2026-13-45", "from=0000-00-00",
)  # fmt: skip
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"referer", b"http://["),
    (b"referer", b"\xff\xfe"),
    (b"origin", b"https://["),
    (b"cookie", b"session=\xff; __Host-session=\x80; form=\xe4; lang=\xff; notice=\xff"),
    (b"cookie", b"=;;=\x01;form=" + b"a" * 4_000),
    (b"authorization", b"Bearer \xff\xfe"),
    (b"authorization", b"Bearer cm_" + b"\x7f" * 40),
    (b"authorization", b"Bearer "),
    (b"accept-language", b"\xff,q=;;q=a,*;q=-1"),
    (b"accept", b"\xff/;q=x"),
    (b"accept", b"text/html"),
    (b"accept-encoding", b"\xff;q=nan, br;q=x, *;q="),
    (b"idempotency-key", b"\xff\xfe"),
    (b"idempotency-key", b""),
    (b"if-none-match", b'"\xff'),
    (b"if-match", b"W/,,\xff"),
    (b"range", b"bytes=9-1,\xff"),
    (b"prefer", b"wait=\xff"),
    (b"prefer", b"wait=99999999999999999999"),
    (b"last-event-id", b"\xff"),
    (b"x-forwarded-for", b"\xff, ::1%\xff"),
    (b"x-csrf-token", b"\xff"),
    (b"sec-fetch-site", b"\xff"),
    (b"stripe-signature", b"t=\xff,v1=\xff"),
    (b"webhook-signature", b"v1,\xff"),
    (b"content-encoding", b"\xff"),
)
UNASKED = ("HEAD", "OPTIONS", "TRACE", "PROPFIND", "BREW")
"""Methods that every path is asked with, whichever it has."""
SEGMENTS = ("%FF", "%00", "a%00b", "%ED%A0%80", "%2F", "..", "-", "%F0%9F%98%80", "a" * 2_000, "%25", "%0A")


def every_request(app: Litestar, own: tuple[tuple[bytes, bytes], ...], dice: random.Random) -> Iterator[Request]:
    """Each route and method with a third of the bodies, in turn, and with odd paths, queries and headers."""
    turn = 0
    for route in sorted(app.routes, key=lambda route: route.path):
        plain = "/".join(_segment(part) for part in route.path_components)
        for method in sorted({*route.methods, *UNASKED} if hasattr(route, "methods") else ()):
            turn += 1
            for media_type, body in BODIES[turn % 3 :: 3] if method in {"POST", "PUT", "PATCH", "DELETE"} else ():
                yield Request(method, f"/{plain}", body, (*own, *headers(content_type=media_type)))
            odd = "/".join(part if isinstance(part, str) else dice.choice(SEGMENTS) for part in route.path_components)
            few = dice.sample(HEADERS, 3)
            yield Request(method, f"/{odd}?{dice.choice(QUERIES)}", b"{}", (*own, *headers(content_type=JSON), *few))
            more = 1 if method in UNASKED else 4
            for query, sent in zip(dice.sample(QUERIES, more), dice.sample(HEADERS, more), strict=True):
                yield Request(method, f"/{plain}?{query}", b"", (*own, sent))


def _segment(part: Any) -> str:
    return part if isinstance(part, str) else str(uuid7())


PARTS = 3
"""Of all that is asked: the whole takes a busy machine longer than one test may."""


def seller(app: Litestar, services: Services) -> tuple[tuple[bytes, bytes], ...]:
    """The headers of somebody who may do most things."""
    with unit_of_work(services.db, SYSTEM) as uow:
        org = make_seller(uow)
    client: TestClient[Any] = TestClient(app, base_url="https://market.example")
    opened = client.post("/v1/session", json={"email": org.email, "password": PASSWORD})
    cookie = f"__Host-session={client.cookies['__Host-session']}"
    return headers(cookie=cookie, x_csrf_token=opened.json()["csrf"])


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("who", ["anonymous", "seller"])
def test_no_input_is_answered_with_a_server_error(app: Litestar, services: Services, who: str, part: int) -> None:
    own = seller(app, services) if who == "seller" else ()
    asked = list(every_request(app, own, random.Random(SEED)))[part::PARTS]
    # Who signs out is nobody afterwards.
    asked.sort(key=lambda request: "sign-out" in request.target or request.target.startswith("/v1/session"))
    wrong: dict[str, str] = {}
    for request, answer in zip(asked, ask(app, *asked), strict=True):
        lacks = [name for name in ALWAYS if name not in answer.headers]
        # 503 is what production answers where a store or a gateway is away; nothing is away here.
        if answer.status >= 500 or lacks:
            wrong.setdefault(f"{request.method} {request.target[:60]}", f"{answer.status} {lacks} {request!r:.400}")
    assert not wrong, json.dumps(wrong, indent=1)
    assert len(asked) > 2_000 // PARTS


HOSTILE: tuple[Any, ...] = (
    None, True, -1, 0, 2**31, 2**63, 10**40, -(2**63), 1e308, 0.1, "", " ", "\x00", "a\x00b", "\ud800", "\u202e\ufeff", "9" * 400,
    "x" * 30_000, "00000000-0000-0000-0000-000000000000", "2026-02-30T00:00:00Z", "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00",
    "http://[", "zh-CN", [], [None], {}, {"": {}}, [[[]]], ["\ud800"] * 3,
)  # fmt: skip
"""Put where a body has a value: nothing of it is a body that cannot be read, so that it comes as far as it can."""


def sampled(schema: dict[str, Any], schemas: dict[str, Any], depth: int = 0) -> Any:
    """A value that fits, as plain as possible."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if "examples" in schema:
        return schema["examples"][0]
    for choice in ("enum", "anyOf", "oneOf"):
        if choice in schema:
            first = schema[choice][0]
            return first if choice == "enum" else sampled(first, schemas, depth)
    match schema.get("type"):
        case "object":
            named = schema.get("properties", {}).items()
            return {name: sampled(one, schemas, depth + 1) for name, one in named} if depth < 4 else {}
        case "array":
            return [sampled(schema.get("items", {}), schemas, depth + 1)]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
    if schema.get("format") == "uuid":
        return str(uuid7())
    return "2026-11-28T12:00:00Z" if schema.get("format") == "date-time" else "a" * schema.get("minLength", 1)


def places_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a body something stands."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key)
        yield from places_of(inner, (*path, key))


def with_value(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy with something else at one place."""
    if not path:
        return value
    copy = dict(body) if isinstance(body, dict) else list(body)
    copy[path[0]] = with_value(copy[path[0]], path[1:], value)
    return copy


def every_value(
    document: dict[str, Any], own: tuple[tuple[bytes, bytes], ...], dice: random.Random
) -> Iterator[Request]:
    """Each body that the contract has, right but for one value; several hostile ones at each place."""
    schemas = document["components"]["schemas"]
    for path, item in document["paths"].items():
        for method, operation in item.items():
            content = operation.get("requestBody", {}).get("content", {}).get(JSON)
            if content is None or path == "/v1/session":
                continue  # who signs in or out is somebody else afterwards
            target = re.sub(r"\{\w+\}", lambda _: str(uuid7()), path)
            right = sampled(content["schema"], schemas)
            for place in places_of(right):
                for value in dice.sample(HOSTILE, 6):
                    body = json.dumps(with_value(right, place, value)).encode()
                    sent = headers(content_type=JSON, idempotency_key=str(uuid7()))
                    yield Request(method.upper(), target, body, (*own, *sent))


@pytest.mark.parametrize("who", ["anonymous", "seller"])
def test_no_value_in_a_readable_body_is_answered_with_a_server_error(
    app: Litestar, services: Services, who: str
) -> None:
    own = seller(app, services) if who == "seller" else ()
    asked = list(every_value(build(), own, random.Random(SEED)))
    answers = ask(app, *asked)
    wrong = {
        f"{request.method} {request.target}": f"{answer.status} {request.body[:300]!r}"
        for request, answer in zip(asked, answers, strict=True)
        if answer.status >= 500
    }
    assert not wrong, json.dumps(wrong, indent=1)
    assert len(asked) > 500
    if who == "seller":
        assert {422, 404} <= {answer.status for answer in answers}


@pytest.mark.parametrize("body", [deep(100_000), b'{"email":"a\xff@b.example","password":"x"}', b"{", b'"\\ud800"'])
def test_a_body_that_is_no_json_is_the_callers_error(app: Litestar, body: bytes) -> None:
    (answer,) = ask(app, Request("POST", "/v1/session", body, headers(content_type=JSON)))
    assert answer.status in {400, 422}
    assert answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize("path", ["/", "/v1/feed", "/v1/session", "/hooks/stripe", "/docs/api", "/v1/purchases"])
def test_options_says_what_may_be_asked(app: Litestar, path: str) -> None:
    (answer,) = ask(app, Request("OPTIONS", path))
    assert (answer.status, answer.body) == (204, b"")
    allowed = set(answer.headers["allow"].split(", "))
    assert "OPTIONS" in allowed
    assert ("GET" in allowed) is ("HEAD" in allowed)


def test_options_names_every_method_of_every_path(app: Litestar) -> None:
    """A page that is shown and sent in is two handlers; so is an object that is read and changed."""
    held = {route.path: set(route.methods) for route in app.routes if isinstance(route, HTTPRoute)}
    paths = sorted(held)
    answers = ask(app, *(Request("OPTIONS", re.sub(r"\{[^}]*\}", str(uuid7()), path)) for path in paths))
    told = {path: set(answer.headers["allow"].split(", ")) for path, answer in zip(paths, answers, strict=True)}
    assert told == {path: held[path] | ({"HEAD"} if "GET" in held[path] else set()) for path in paths}


@pytest.mark.parametrize("who", ["anonymous", "seller"])
def test_no_route_that_the_framework_adds_is_served(app: Litestar, services: Services, who: str) -> None:
    own = seller(app, services) if who == "seller" else ()
    for path in ("/openapi", "/openapi/openapi.json", "/openapi/swagger"):
        (answer,) = ask(app, Request("GET", path, b"", own))
        assert answer.status == 404, path


def test_a_method_that_is_not_there_is_told_which_are(app: Litestar) -> None:
    program, person = ask(
        app, Request("PUT", "/v1/purchases"), Request("POST", "/v1/feed", b"", headers(accept="text/html"))
    )
    assert (program.status, program.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")
    assert (person.status, person.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_what_can_be_got_can_be_asked_for_its_head(app: Litestar) -> None:
    for path in ("/", "/v1/feed", "/healthz", "/sign-in", "/openapi.json", "/favicon.ico", "/docs/api", "/nowhere"):
        got, head = ask(app, Request("GET", path), Request("HEAD", path, b"", headers(range="bytes=0-1")))
        assert (head.status, head.body) == (got.status, b""), path
        assert head.headers["content-type"] == got.headers["content-type"], path
    # What is public says how long it is, byte for byte.
    got, head = ask(app, Request("GET", "/favicon.ico"), Request("HEAD", "/favicon.ico"))
    assert head.headers["content-length"] == got.headers["content-length"] == str(len(got.body))


@pytest.mark.parametrize("path", ["/nowhere", "/v1/nowhere", "/v1/listings/none", "/static/x/y", "//", "/%FF"])
@pytest.mark.parametrize("accept", ["text/html", "*/*"])
def test_an_unknown_path_is_answered_like_any_other(app: Litestar, path: str, accept: str) -> None:
    (answer,) = ask(app, Request("GET", path, b"", headers(accept=accept)))
    assert [name for name in ALWAYS if name not in answer.headers] == []
    if answer.status == 404 and accept == "*/*":
        assert json.loads(answer.body)["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("version", "hosts", "status"),
    [
        ("1.1", (b"market.example",), 200),
        ("1.1", (b"market.example:",), 200),
        ("1.1", (b"[::1]:8000",), 200),
        ("1.1", (b"",), 200),
        ("1.0", (), 200),
        ("1.1", (), 400),
        ("1.1", (b"market.example", b"market.example"), 400),
        ("1.0", (b"market.example", b"other.example"), 400),
        ("1.1", (b"a b/\xff",), 400),
        ("1.1", (b"market.example/path",), 400),
        ("1.1", (b"user@market.example",), 400),
        ("1.1", (b"market.example:http",), 400),
        ("1.1", (b"market.example, other.example",), 400),
    ],
)
def test_a_request_names_one_host(app: Litestar, version: str, hosts: tuple[bytes, ...], status: int) -> None:
    """RFC 9112 §3.2: 400 to HTTP/1.1 without a Host, and to any request with two of them or one that is malformed."""
    asked = [
        Request(method, path, b"", headers(accept=accept), hosts, version)
        for path in ("/healthz", "/v1/feed", "/sign-in")
        for method in ("GET", "HEAD")
        for accept in ("text/html", "*/*")
    ]
    for request, answer in zip(asked, ask(app, *asked), strict=True):
        assert answer.status == status, request
        assert [name for name in ALWAYS if name not in answer.headers] == [], request
    (refused,) = ask(app, Request("GET", "/v1/feed", b"", (), hosts, version))
    assert status == 200 or json.loads(refused.body)["code"] == "request_malformed"
