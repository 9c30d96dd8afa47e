"""Answers in fewer bytes: who gets which encoding, what stays as it is, and that a token in them gives nothing away."""

from __future__ import annotations

import gzip
import re
from typing import Any

import brotli
import pytest
from litestar.testing import TestClient

from api import encoded_answers
from api.context import Services
from api.pages.frame import assets
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.access.authenticate import csrf_of
from tests.api_server import application
from tests.factories_marketplace import PASSWORD, make_org

Client = TestClient[Any]
STYLES = assets.address(assets.STYLESHEET)


@pytest.fixture
def client(services: Services) -> Client:
    return TestClient(application(services), base_url="https://market.example")


def raw(client: Client, path: str, accepted: str | None, method: str = "GET", **headers: str) -> tuple[Any, bytes]:
    """The answer and its body as it went over the wire."""
    asked = {"Accept-Encoding": accepted or "identity", **headers}
    with client.stream(method, path, headers=asked) as answer:
        return answer, b"".join(answer.iter_raw())


def decoded(body: bytes, encoding: str | None) -> bytes:
    if encoding == "br":
        return bytes(brotli.decompress(body))
    return gzip.decompress(body) if encoding == "gzip" else body


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        ("", None),
        ("identity", None),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("GZIP", "gzip"),
        ("br", "br"),
        ("gzip, deflate, br, zstd", "br"),
        ("br;q=0.5, gzip", "gzip"),
        ("br;q=0, gzip;q=0", None),
        ("*", "br"),
        ("br;q=0, *", "gzip"),
        ("gzip;q=0.5, identity", None),
        ("deflate, zstd", None),
        ("gzip;q=many", None),
        ("gzip;q=nan", None),
        (";;,=,q=1", None),
        ("gzip," * 500, None),
    ],
)
def test_the_client_says_which_encoding_it_takes(header: str, encoding: str | None) -> None:
    assert encoded_answers.preferred_encoding(header) == encoding


@pytest.mark.parametrize("encoding", ["br", "gzip", None])
@pytest.mark.parametrize("path", ["/", STYLES, "/openapi.json", "/sign-in"])
def test_text_is_sent_in_the_encoding_asked_for(client: Client, path: str, encoding: str | None) -> None:
    answer, body = raw(client, path, encoding)
    assert (answer.status_code, answer.headers.get("content-encoding")) == (200, encoding)
    assert "Accept-Encoding" in answer.headers["vary"]
    assert int(answer.headers["content-length"]) == len(body)
    _, plain = raw(client, path, None)
    assert len(decoded(body, encoding)) == pytest.approx(len(plain), abs=200), "a page's nonce and token differ"
    if encoding:
        assert len(body) < len(plain) / 2
    head, empty = raw(client, path, encoding, "HEAD")
    assert (empty, head.headers.get("content-encoding")) == (b"", encoding)


def test_an_error_page_is_encoded_too(client: Client) -> None:
    answer, body = raw(client, "/nowhere", "gzip", Accept="text/html")
    assert (answer.status_code, answer.headers["content-encoding"]) == (404, "gzip")
    assert b"</html>" in gzip.decompress(body)


def test_a_small_answer_stays_as_it_is(client: Client) -> None:
    answer, body = raw(client, "/healthz", "br, gzip")
    assert "content-encoding" not in answer.headers
    assert body.startswith(b"{")


class TestStaticFiles:
    @pytest.mark.parametrize("name", sorted(assets.all_assets()))
    @pytest.mark.parametrize("encoding", ["br", "gzip"])
    def test_each_is_the_same_file_in_every_encoding(self, client: Client, name: str, encoding: str) -> None:
        content = assets.all_assets()[name].content
        answer, body = raw(client, assets.address(name), encoding)
        assert decoded(body, answer.headers.get("content-encoding")) == content
        assert len(body) <= len(content)

    def test_each_encoding_has_an_entity_tag_of_its_own(self, client: Client) -> None:
        tags = {raw(client, STYLES, encoding)[0].headers["etag"] for encoding in ("br", "gzip", None)}
        assert len(tags) == 3

    def test_what_the_browser_holds_is_not_sent_again(self, client: Client) -> None:
        held, _ = raw(client, STYLES, "br")
        again, body = raw(client, STYLES, "br", **{"If-None-Match": held.headers["etag"]})
        assert (again.status_code, body, again.headers["etag"]) == (304, b"", held.headers["etag"])
        assert "Accept-Encoding" in again.headers["vary"]
        other, _ = raw(client, STYLES, "gzip", **{"If-None-Match": held.headers["etag"]})
        assert other.status_code == 200

    def test_they_are_made_small_once(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        raw(client, STYLES, "br")
        monkeypatch.setattr(encoded_answers, "encode", lambda *_: pytest.fail("encoded anew"))
        _, body = raw(client, STYLES, "br")
        assert brotli.decompress(body) == assets.all_assets()[assets.STYLESHEET].content


class TestTokens:
    def test_no_two_answers_carry_the_same_bytes_of_a_session_s_token(self, client: Client, services: Services) -> None:
        with unit_of_work(services.db, SYSTEM) as uow:
            org = make_org(uow)
        opened = client.post("/v1/session", json={"email": org.email, "password": PASSWORD})
        cookie = next(value for name, value in client.cookies.items() if name.endswith("session"))
        bodies = [
            opened.text,
            *(client.get(path).text for path in ("/v1/me", "/v1/session", "/orders", "/nowhere") * 2),
        ]
        assert not any(csrf_of(cookie) in body for body in bodies), "a body's length would tell it byte for byte"
        tokens = [
            *(found for body in bodies for found in set(re.findall(r'name="csrf" (?:content|value)="([^"]+)"', body))),
            *re.findall(r'"csrf":"([^"]+)"', "".join(bodies)),
        ]
        assert len(tokens) >= 7
        assert len(set(tokens)) == len(tokens)
        for token in tokens:
            answer = client.patch("/v1/session", json={"org_id": str(org.id)}, headers={"X-CSRF-Token": token})
            assert answer.status_code == 204, "each of them is the session's"

    def test_before_signing_in_the_form_s_token_is_covered_too(self, client: Client) -> None:
        page = client.get("/sign-in").text
        (token,) = set(re.findall(r'name="csrf" (?:content|value)="([^"]+)"', page))
        assert client.cookies["form"] not in page
        form = {"csrf": token, "email": "nobody@example.test", "password": PASSWORD, "next": "/"}
        assert client.post("/sign-in", data=form, follow_redirects=False).status_code != 403

    def test_a_covered_token_of_another_session_is_refused(self, client: Client, services: Services) -> None:
        with unit_of_work(services.db, SYSTEM) as uow:
            one, other = make_org(uow), make_org(uow)
        tokens = []
        for org in (one, other):
            client.cookies.clear()
            opened = client.post("/v1/session", json={"email": org.email, "password": PASSWORD})
            tokens.append(opened.json()["csrf"])
        theirs = client.delete("/v1/session", headers={"X-CSRF-Token": tokens[0]})
        assert (theirs.status_code, theirs.json()["code"]) == (403, "csrf_refused")
        assert client.delete("/v1/session", headers={"X-CSRF-Token": tokens[1]}).status_code == 204
