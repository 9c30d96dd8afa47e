import io
import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from structlog.contextvars import bound_contextvars

from kernel import logs, signing
from kernel.secrets import SecretBox


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    written = io.StringIO()
    logs.configure_logs("json", "debug", process="api", stream=written)
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def entries(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_entry_carries_the_ids_in_force(stream: io.StringIO) -> None:
    log = structlog.get_logger("orders.place")
    with bound_contextvars(request_id="r1", organization_id="o1"):
        log.info("order placed", lines=2)
    log.info("idle")
    inner, idle = entries(stream)
    assert (inner["request_id"], inner["organization_id"]) == ("r1", "o1")
    assert (inner["event"], inner["lines"], inner["level"], inner["logger"]) == (
        "order placed",
        2,
        "info",
        "orders.place",
    )
    assert inner["process"] == "api"
    assert inner["timestamp"].endswith("Z")
    assert "request_id" not in idle


def test_ids_of_one_thread_do_not_show_in_another(stream: io.StringIO) -> None:
    with bound_contextvars(request_id="r1"):
        other = threading.Thread(target=lambda: structlog.get_logger("x").info("elsewhere"))
        other.start()
        other.join()
    assert "request_id" not in entries(stream)[0]


def test_other_libraries_write_the_same_way(stream: io.StringIO) -> None:
    with bound_contextvars(request_id="r1"):
        logging.getLogger("uvicorn.error").warning("refused %s", "whsec_c2VjcmV0c2VjcmV0")
    (entry,) = entries(stream)
    assert entry["request_id"] == "r1"
    assert entry["event"] == f"refused {logs.REDACTED}"


def test_a_traceback_is_redacted(stream: io.StringIO) -> None:
    try:
        raise RuntimeError("cannot reach postgresql://app:hunter2@db/market for ada@buyer.example")
    except RuntimeError:
        structlog.get_logger("x").exception("failed")
    text = stream.getvalue()
    assert "RuntimeError" in text
    assert "hunter2" not in text
    assert "ada@buyer" not in text


SECRETS = [
    signing.new_webhook_secret(),
    signing.mint_api_key().text,
    signing.hash_password("x"),
    SecretBox({"k1": bytes(range(32))}).seal(b"x", "row:1"),
    signing.TokenSigner([b"k" * 32]).sign_token("p", {"run": "r"}, datetime(2030, 1, 1, tzinfo=UTC)),
    "sk_live_51HxAbCdEf",
    "rk_test_51HxAbCdEf",
    "Bearer abc.def-ghi",
    "Basic dXNlcjpwYXNz",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "ada@buyer.example",
    "13812345678",
    "+86 13812345678",
    "11010519491231002X",
    "4242424242424242",
    "4242 4242 4242 4242",
]


@pytest.mark.parametrize("secret", SECRETS, ids=range(len(SECRETS)))  # made anew in each process: no names for xdist
def test_a_secret_is_recognised_by_its_shape(secret: str, stream: io.StringIO) -> None:
    structlog.get_logger("x").info(f"got {secret} from", note=f"({secret})", deep=[{"a": (secret,)}])
    text = stream.getvalue()
    assert secret.rsplit(" ", maxsplit=1)[-1] not in text
    assert logs.REDACTED in text


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "new_password",
        "api_key",
        "apiKey",
        "webhook_secret",
        "secret_key",
        "access_token",
        "Authorization",
        "Cookie",
        "webhook-signature",
        "set-cookie",
        "email",
        "contact_email",
        "phone",
        "bank_account",
        "client_ip",
        "refresh_token_hash",
    ],
)
def test_a_secret_is_recognised_by_its_name(name: str) -> None:
    assert logs.redact({"outer": {name: "x"}}) == {"outer": {name: logs.REDACTED}}


@pytest.mark.parametrize(
    "fact",
    [
        "019a8b7c-1111-7222-8333-944455556666",
        "CM-2026-000123",
        "1700000000001",
        "12345.67",
        "order 42 of 100",
        "v1",
        "plan_code",
        "2026-11-22T13:59:07Z",
        "https://seller.example/hook?x=1",
        "13812345678902",
        "a@b",
    ],
)
def test_facts_stay_readable(fact: str) -> None:
    assert logs.redact_text(fact) == fact


def test_names_of_facts_stay_readable() -> None:
    facts = {
        "tokens_per_second": 3,
        "order_id": "n1",
        "code": "not_found",
        "status": 200,
        "ship": "x",
        "zip": "y",
        "empty": None,
    }
    assert logs.redact(facts) == facts


def test_bytes_and_depth_are_bounded() -> None:
    nested: Any = "x"
    for _ in range(50):
        nested = [nested]
    assert logs.REDACTED in str(logs.redact(nested))
    assert logs.redact(b"secret") == "[6 bytes]"


def test_the_console_form_is_for_people() -> None:
    written = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        logs.configure_logs("console", "info", stream=written)
        structlog.get_logger("x").info("order placed", lines=2)
        structlog.get_logger("x").debug("not shown")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()
    assert "order placed" in written.getvalue()
    assert "not shown" not in written.getvalue()
