"""The contract: the document is valid OpenAPI 3.1, is the one checked in, and the service keeps it under fire."""

from __future__ import annotations

import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from api.app import create_app
from api.context import Services
from app.commands.openapi import DOCUMENT, build
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.access.api_keys import MintApiKey, mint_api_key
from marketplace.access.permissions import EVERYTHING
from tests.factories_marketplace import acting, make_seller


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return build()


def test_the_document_is_valid_openapi_31(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_the_document_checked_in_is_the_one_of_the_routes(document: dict[str, Any]) -> None:
    assert json.loads(DOCUMENT.read_text("utf-8")) == json.loads(json.dumps(document))


def test_every_operation_is_described_and_named_once(document: dict[str, Any]) -> None:
    operations = [item for path in document["paths"].values() for item in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    assert [operation["operationId"] for operation in operations if not operation.get("description")] == []


def test_every_operation_says_how_it_refuses_and_whom(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            refusals = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
            assert all(answer == {"$ref": f"#/components/responses/{status}"} for status, answer in refusals.items())
            is_public = {} in operation.get("security", [])
            assert is_public or {"401", "403"} <= set(refusals), (method, path)
    for answer in document["components"]["responses"].values():
        assert answer["content"] == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    bought = document["paths"]["/v1/purchases"]["post"]["responses"]["201"]["content"]["application/json"]["schema"]
    assert bought == {"$ref": "#/components/schemas/PurchaseOut"}
    assert document["paths"]["/v1/api-keys"]["post"]["description"].endswith("Needs the permission `keys.manage`.")


@pytest.fixture(scope="module")
def key(services: Services) -> str:
    """A key that may do everything in an organization of its own."""
    with unit_of_work(services.db, SYSTEM) as uow:
        seller = make_seller(uow)
        with acting(uow, seller.owner):
            return mint_api_key(uow, MintApiKey("fire", tuple(sorted(EVERYTHING)))).text


def test_no_answer_is_a_server_error_or_breaks_its_schema(services: Services, key: str) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(services))
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "fire"}
    broken: list[str] = []
    asked = 0
    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]  # an invalid operation fails here, as it should
        if operation.path.endswith("/progress"):
            continue  # an event stream ends when its order does

        @settings(
            max_examples=5,
            derandomize=True,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def fire(case: Any) -> None:
            response = case.call(headers=headers)
            case.validate_response(response, checks=[not_a_server_error, response_schema_conformance])

        asked += 1
        try:
            fire()
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - every operation is tried; all that break are named together
            broken.append(f"{operation.label}: {type(error).__name__} {str(error)[:400]}")
    assert broken == [], "\n".join(broken)
    assert asked > 90
