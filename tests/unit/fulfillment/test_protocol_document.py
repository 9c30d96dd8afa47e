"""What the published protocol says is what the connector does."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fulfillment.connectors.messages import ID_LENGTH, MESSAGE_LENGTH, CallbackBody, RefusalBody, SuccessBody
from fulfillment.connectors.save_connector import OVERLAP
from fulfillment.connectors.webhook import FINAL, TIMEOUT_S
from fulfillment.entitlements.models import Entitlement
from fulfillment.runs.models import OPERATIONS, Run
from fulfillment.runs.request_body import EVENT_TYPE, request_body
from kernel.ids import uuid7
from kernel.signing import TokenSigner

DOCUMENT = (Path(__file__).parents[3] / "docs" / "protocols" / "webhook.md").read_text("utf-8")


def test_the_example_has_the_fields_that_are_sent() -> None:
    example = json.loads(re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)[0])
    context = {name: example["data"][name] for name in ("order_id", "order_line_id", "organization", "listing", "plan")}
    entitlement = Entitlement(id=uuid7(), seats=5, term_months=12, time_zone="UTC", context=context)
    at = datetime(2026, 11, 22, tzinfo=UTC)
    run = Run(id=uuid7(), operation="provision", tries=1, created_at=at, deadline_at=at + timedelta(days=1))
    sent = request_body(run, entitlement, signer=TokenSigner([b"0" * 32]), public_url="https://market.example")
    assert set(example) == set(sent)
    # Fields may be added; of those in the example none may be missing.
    assert set(example["data"]) <= set(sent["data"])
    for field in sent["data"]:
        assert f"`{field}`" in DOCUMENT, field
    assert example["id"] == f"msg_{example['data']['run_id']}"


def test_every_operation_is_described() -> None:
    for operation in OPERATIONS:
        assert f"| `{EVENT_TYPE.format(operation=operation)}` |" in DOCUMENT


def test_what_a_delivery_says_of_an_order_is_described() -> None:
    """The context that orders gives along (`orders.fulfillment.start_fulfillment`), part by part."""
    table = DOCUMENT.split("### Body")[1].split("```json")[0]
    source = (Path(__file__).parents[3] / "orders" / "fulfillment" / "start_fulfillment.py").read_text("utf-8")
    said = re.findall(r'"(\w+)":', source.split("context=")[1])
    assert len(said) > 10
    assert [name for name in said if f"`{name}`" not in table] == []


def test_final_statuses_are_those_of_the_table() -> None:
    row = next(line for line in DOCUMENT.splitlines() if "refused for good" in line)
    assert {int(status) for status in row.split("|")[1].split()} == FINAL


def test_figures_are_those_of_the_text() -> None:
    assert f"the whole call {TIMEOUT_S:.0f} s" in DOCUMENT
    assert f"{MESSAGE_LENGTH} characters at most" in DOCUMENT
    assert f"{ID_LENGTH} characters at most" in DOCUMENT
    assert f"both sign for {OVERLAP // timedelta(hours=1)}\nhours" in DOCUMENT


def test_the_bodies_of_the_text_are_understood() -> None:
    done = re.search(r"`(\{\"status\": \"succeeded\".*?\})`", DOCUMENT)
    refusal = re.search(r"`(\{\"status\": \"failed\".*?\}\})`", DOCUMENT)
    assert done is not None
    assert refusal is not None
    assert SuccessBody.model_validate_json(done[1].replace("https://…", "https://app.example")).names_the_tenant()
    assert RefusalBody.model_validate_json(refusal[1]).error.words == ("…", "…")
    callback = CallbackBody.model_validate_json(re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)[1])
    assert (callback.status, callback.sequence, callback.percent) == ("progress", 2, 50)
