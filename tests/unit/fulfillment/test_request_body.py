"""The body of a call to a seller's system (`docs/protocols/webhook.md` §1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from fulfillment.entitlements.models import Entitlement
from fulfillment.runs.models import Run
from fulfillment.runs.request_body import CALLBACK, CALLBACK_KEPT, request_body
from kernel import clock
from kernel.ids import uuid7
from kernel.signing import TokenSigner

SIGNER = TokenSigner([b"0" * 32])
MADE_AT = datetime(2026, 1, 31, 4, 0, tzinfo=UTC)


def parts(**changes: Any) -> tuple[Run, Entitlement]:
    entitlement = Entitlement(
        **{
            "id": uuid7(),
            "seats": 5,
            "term_months": 1,
            "time_zone": "Asia/Shanghai",
            "context": {"order_id": "o", "organization": {"id": "b"}, "plan": {"code": "pro"}},
        }
        | changes
    )
    run = Run(id=uuid7(), operation="provision", tries=1, created_at=MADE_AT, deadline_at=MADE_AT + timedelta(days=1))
    return run, entitlement


def body(run: Run, entitlement: Entitlement) -> dict[str, Any]:
    return request_body(run, entitlement, signer=SIGNER, public_url="https://market.example")


def test_the_envelope_is_a_cloud_event() -> None:
    run, entitlement = parts()
    event = body(run, entitlement)
    assert event["specversion"] == "1.0"
    assert event["id"] == f"msg_{run.id}"
    assert event["type"] == "com.channelmarket.run.provision.v1"
    assert event["data"]["run_id"] == str(run.id)
    assert event["data"]["plan"] == {"code": "pro"}
    assert event["data"]["term"] == {"start": MADE_AT.isoformat(), "end": "2026-02-28T04:00:00+00:00"}


def test_only_the_attempt_differs_between_tries() -> None:
    run, entitlement = parts()
    first = body(run, entitlement)
    run.tries = 2
    second = body(run, entitlement)
    assert first["data"].pop("attempt") == 1
    assert second["data"].pop("attempt") == 2
    assert first == second


def test_the_context_cannot_rename_what_is_ours() -> None:
    run, entitlement = parts(context={"operation": "deprovision", "entitlement_id": "other", "callback_url": "x"})
    data = body(run, entitlement)["data"]
    assert data["operation"] == "provision"
    assert data["entitlement_id"] == str(entitlement.id)
    assert data["callback_url"].startswith("https://market.example/hooks/runs/")


def test_no_seats_and_no_term_are_null() -> None:
    data = body(*parts(seats=0, term_months=0))["data"]
    assert data["seats"] is None
    assert data["term"] is None


def test_a_trial_says_that_it_is_one_and_when_it_ends() -> None:
    data = body(*parts(trial_days=14))["data"]
    assert data["trial"] is True
    assert data["term"] == {"start": MADE_AT.isoformat(), "end": (MADE_AT + timedelta(days=14)).isoformat()}
    assert body(*parts())["data"]["trial"] is False


def test_an_active_entitlement_tells_its_true_term() -> None:
    start, end = MADE_AT + timedelta(hours=3), MADE_AT + timedelta(days=40)
    data = body(*parts(valid_from=start, valid_to=end, external_id="t-1"))["data"]
    assert data["term"] == {"start": start.isoformat(), "end": end.isoformat()}
    assert data["external_id"] == "t-1"


def test_the_callback_address_names_the_run_and_outlives_the_deadline() -> None:
    run, entitlement = parts()
    token = urlsplit(body(run, entitlement)["data"]["callback_url"]).path.rsplit("/", 1)[-1]
    with clock.frozen(run.deadline_at + CALLBACK_KEPT - timedelta(seconds=1)):
        assert SIGNER.open_token(CALLBACK, token) == {"run": str(run.id)}
