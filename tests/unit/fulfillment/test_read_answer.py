"""What a seller's HTTP answer means (`docs/protocols/webhook.md` §2)."""

from __future__ import annotations

import json
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from fulfillment.connectors.ports import Accepted, Answer, Refused, Succeeded, TryAgain
from fulfillment.connectors.webhook import read_answer
from kernel import clock
from kernel.outbound import OutboundResponse

DONE = {"status": "succeeded", "external_id": "t-1", "launch_url": "https://app.example/t/1", "message": "好了"}


def answer(status: int, body: Any = b"", **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_answer(OutboundResponse(status, headers, content, 5), "")


def test_200_with_the_agreed_body_is_done() -> None:
    done = answer(200, DONE | {"later_version": {"of": "the protocol"}})
    assert isinstance(done, Succeeded)
    assert (done.external_id, done.launch_url, done.words) == ("t-1", "https://app.example/t/1", ("好了", "好了"))
    assert (done.exchange.status, done.exchange.elapsed_ms) == (200, 5)


def test_a_seller_that_speaks_both_languages_is_quoted_in_both() -> None:
    done = answer(200, DONE | {"message_zh": "开通了", "message_en": "ready"})
    assert isinstance(done, Succeeded)
    assert done.words == ("开通了", "ready")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"OK",
        b"null",
        b"[]",
        b'{"status": "ok"}',
        b"[" * 60_000,
        b'{"a":' * 12_000,
        b"\xff\xfe",
        {"status": "succeeded"},
        {"status": "succeeded", "external_id": "t-1"},
        {"status": "succeeded", "launch_url": "https://app.example/"},
        DONE | {"external_id": ""},
        DONE | {"external_id": "x" * 201},
        DONE | {"external_id": 7},
        DONE | {"launch_url": "javascript:alert(1)"},
        DONE | {"launch_url": "http://app.example/"},
        DONE | {"launch_url": "https://user@app.example/"},
        DONE | {"launch_url": "https://app.example\\@evil.example/"},
        DONE | {"launch_url": "https://app.example/ x"},
        DONE | {"launch_url": "//evil.example"},
    ],
)
def test_200_that_is_not_understood_leaves_the_outcome_unknown(body: Any) -> None:
    again = answer(200, body)
    assert isinstance(again, TryAgain)
    assert again.reason == "answer_not_understood"


def test_only_provisioning_must_name_the_tenant() -> None:
    response = OutboundResponse(200, {}, b'{"status": "succeeded", "external_id": ""}', 5)
    assert isinstance(read_answer(response, "", makes_tenant=False), Succeeded)
    assert isinstance(read_answer(response, "", makes_tenant=True), TryAgain)


def test_text_that_a_database_refuses_or_a_reader_misreads_is_cleaned() -> None:
    done = answer(
        200, b'{"status":"succeeded","external_id":"t\\u0000-1","launch_url":"https://a.example","message":"a\\u202eb"}'
    )
    assert isinstance(done, Succeeded)
    assert (done.external_id, done.words) == ("t-1", ("ab", "ab"))
    assert isinstance(answer(200, b'{"status":"succeeded","external_id":"\\ud800"}'), TryAgain)
    assert "\x00" not in answer(500, b"\x00broken").exchange.response_excerpt


def test_202_waits_for_the_callback_whatever_its_body() -> None:
    assert isinstance(answer(202, b"anything"), Accepted)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422])
def test_a_definite_no_is_final(status: int) -> None:
    plain = answer(status, b"no")
    told = answer(status, {"status": "failed", "error": {"code": "x", "message": "没有\u0000库存"}})
    assert isinstance(plain, Refused)
    assert isinstance(told, Refused)
    assert (plain.reason, told.reason) == (f"http_{status}", "没有库存")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ({"message_zh": "没有库存", "message_en": "Out of stock"}, "没有库存 / Out of stock"),
        ({"message_en": "Out of stock"}, "Out of stock"),
        ({"code": "x"}, "http_422"),
        ({"message": "字" * 501}, "字" * 500),
        ("no", "http_422"),
    ],
)
def test_a_refusal_is_quoted_in_the_languages_it_speaks(error: Any, reason: str) -> None:
    refused = answer(422, {"status": "failed", "error": error})
    assert isinstance(refused, Refused)
    assert refused.reason == reason


@pytest.mark.parametrize("status", [201, 204, 301, 302, 307, 402, 405, 408, 418, 425, 429, 500, 502, 503, 504, 599])
def test_everything_else_is_tried_again(status: int) -> None:
    again = answer(status, DONE)
    assert isinstance(again, TryAgain)
    assert (again.reason, again.after_s) == (f"http_{status}", None)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("86400", 3600.0),
        ("9" * 500, 3600.0),
        ("²", None),
        ("-1", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_in_seconds(value: str, seconds: float | None) -> None:
    again = answer(503, **{"retry-after": value})
    assert isinstance(again, TryAgain)
    assert again.after_s == seconds


def test_retry_after_as_a_date_is_by_the_real_clock() -> None:
    with clock.frozen(clock.wall_now() + timedelta(days=300)):
        again = answer(503, **{"retry-after": format_datetime(clock.wall_now() + timedelta(seconds=90), usegmt=False)})
    assert isinstance(again, TryAgain)
    assert again.after_s is not None
    assert 60 < again.after_s <= 90
    past = answer(503, **{"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"})
    assert isinstance(past, TryAgain)
    assert past.after_s == 0.0


def test_excerpts_are_short() -> None:
    assert len(answer(500, b"x" * 60_000).exchange.response_excerpt) == 2_000
