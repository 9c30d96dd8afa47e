"""The contract: the document is valid OpenAPI 3.1, is the one checked in, and the service keeps it under fire."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import booleans, sampled_from
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance
from sqlalchemy import select

from api.openapi_schemas import named_plainly
from api.schema import Wire
from app.commands.openapi import DOCUMENT, build
from app.embedded.engines import Addresses
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.money import CURRENCIES
from kernel.principal import SYSTEM
from marketplace.onboarding.models import PayoutAccount
from marketplace.onboarding.save_payout_account import sealing_context
from marketplace.parties.places import COUNTRIES
from marketplace.videos.models import Video
from tests.adapters.seller_process import Seller
from tests.api_server import application
from tests.conformance.api_walk import key_of, operator_of, session_of
from tests.every_object import make_objects
from tests.loop_stage import services_for, set_stage


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
            # A range that cannot be satisfied is answered with the length alone (RFC 9110 §15.5.17).
            refusals.pop("416", None)
            assert all(answer == {"$ref": f"#/components/responses/{status}"} for status, answer in refusals.items())
            is_public = {} in operation.get("security", [])
            assert is_public or {"401", "403"} <= set(refusals), (method, path)
    for answer in document["components"]["responses"].values():
        assert answer["content"] == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    bought = document["paths"]["/v1/purchases"]["post"]["responses"]["201"]["content"]["application/json"]["schema"]
    assert bought == {"$ref": "#/components/schemas/PurchaseOut"}
    assert document["paths"]["/v1/api-keys"]["post"]["description"].endswith("Needs the permission `keys.manage`.")


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path and operation."""
    return [
        (method.upper(), path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


def parameters(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every operation's parameters, with the operation's name."""
    return [
        (operation["operationId"], parameter)
        for _, _, operation in operations(document)
        for parameter in operation.get("parameters", [])
    ]


def test_a_schema_has_one_name_that_can_be_a_class_and_is_its_title(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert {name: schema["title"] for name, schema in schemas.items()} == {name: name for name in schemas}
    assert [name for name in schemas if not name.isalnum()] == []
    assert len({name.lower() for name in schemas}) == len(schemas)


def test_a_name_for_two_schemas_is_refused() -> None:
    schemas = {"PageOut_LineOut_": {"type": "object"}, "PageOut_api.v1.lines.LineOut_": {"type": "object"}}
    with pytest.raises(ValueError, match="share a name"):
        named_plainly({"components": {"schemas": schemas}})


def test_a_key_that_the_server_asks_for_is_required(document: dict[str, Any]) -> None:
    declared = {operation for operation, parameter in parameters(document) if parameter["name"] == "Idempotency-Key"}
    assert declared >= {"post_v1_purchases", "post_v1_operator_payouts"}
    assert [
        parameter for _, parameter in parameters(document) if parameter["name"] == "Idempotency-Key"
    ] == [  # as `with_idempotency_key` takes it
        {
            "deprecated": False,
            "description": "One effect per key; kept 30 days.",
            "in": "header",
            "name": "Idempotency-Key",
            "required": True,
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }
    ] * len(declared)


def test_an_operation_says_which_credentials_it_takes(document: dict[str, Any]) -> None:
    assert {name: scheme["type"] for name, scheme in document["components"]["securitySchemes"].items()} == {
        "session": "apiKey",
        "csrf": "apiKey",
        "key": "http",
    }
    assert document["components"]["securitySchemes"]["csrf"]["name"] == "X-CSRF-Token"
    for method, path, operation in operations(document):
        cookie: dict[str, list[str]] = {"session": []} if method == "GET" else {"session": [], "csrf": []}
        assert operation["security"] in ([cookie, {"key": []}], [{}, cookie, {"key": []}]), (method, path)
    assert document["paths"]["/v1/feed"]["get"]["security"][0] == {}


def test_what_may_be_missing_is_said_to_be(document: dict[str, Any]) -> None:
    """Of what names something by its id, in the path or elsewhere."""
    silent = [
        path for _, path, operation in operations(document) if "{" in path and "404" not in operation["responses"]
    ]
    assert silent == []
    for method, path in [
        ("post", "/v1/quotes"),
        ("post", "/v1/purchases"),
        ("post", "/v1/videos"),
        ("post", "/v1/listings"),
        ("patch", "/v1/session"),
        ("get", "/v1/onboarding"),
        ("get", "/v1/entitlements/check"),
        ("get", "/v1/invoices/export"),
        ("post", "/v1/operator/payouts"),
    ]:
        assert "404" in document["paths"][path][method]["responses"], path


def test_tags_and_parameters_are_described_and_the_licence_is_named(document: dict[str, Any]) -> None:
    described = {tag["name"] for tag in document["tags"] if tag["description"]}
    assert {tag for _, _, operation in operations(document) for tag in operation.get("tags", ["none"])} == described
    assert [
        (operation, parameter["name"])
        for operation, parameter in parameters(document)
        if not parameter.get("description")
    ] == []
    assert document["info"]["license"] == {"name": "Apache License 2.0", "identifier": "Apache-2.0"}
    assert document["info"]["contact"]["name"]


@pytest.mark.parametrize("path", ["/v1/session", "/v1/quotes", "/v1/purchases"])
def test_the_bodies_of_buying_have_examples_that_fit(document: dict[str, Any], path: str) -> None:
    content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    name = content["schema"]["$ref"].rpartition("/")[2]
    schema = document["components"]["schemas"][name]
    model = next(kind for kind in Wire.__subclasses__() if kind.__name__ == name)
    assert schema["examples"]
    for example in schema["examples"]:
        OAS31Validator(schema | {"components": document["components"]}).validate(example)
        model.model_validate_json(json.dumps(example))


def test_bodies_refuse_in_the_document_what_the_server_refuses(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    bodies = {kind.__name__ for kind in subclasses(Wire)} & set(schemas)
    assert len(bodies) > 30
    assert [name for name in bodies if schemas[name]["additionalProperties"] is not False] == []
    currency, second = (schemas["QuoteIn"]["properties"][name]["anyOf"][0] for name in ("currency", "second"))
    assert (currency["enum"], second["maximum"]) == (list(CURRENCIES), 86_400)
    assert schemas["OrganizationIn"]["properties"]["country"]["enum"] == list(COUNTRIES)
    assert schemas["PurchaseIn"]["properties"]["po_number"]["anyOf"][0]["maxLength"] == 64
    assert schemas["PlanIn"]["properties"]["code"]["pattern"] == "^[a-z0-9][a-z0-9-]{0,39}$"
    assert schemas["ListingIn"]["properties"]["description"]["maxLength"] == 20_000


def subclasses(kind: type[Wire]) -> set[type[Wire]]:
    """All of them, however far down."""
    return {found for child in kind.__subclasses__() for found in {child, *subclasses(child)}}


def test_a_parameter_is_never_null_and_its_limits_are_of_its_kind(document: dict[str, Any]) -> None:
    shown = {f"{operation}.{parameter['name']}": parameter["schema"] for operation, parameter in parameters(document)}
    assert [name for name, schema in shown.items() if "null" in json.dumps(schema)] == []
    limit = shown["get_v1_feed.limit"]
    assert json.dumps([limit["minimum"], limit["maximum"], limit["default"]]) == "[1, 100, 20]"
    assert shown["get_v1_feed.q"] == {"type": "string", "maxLength": 100}


CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]
REACHED = 0.2
"""Share of the answers under fire that are 2xx, at least."""
ANSWERED = 0.8
"""Share of the reads that must answer 2xx when they name what is there; the others need what these tests do not make."""


@pytest.fixture(scope="module")
def seller_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seller]:
    seller = Seller(tmp_path_factory.mktemp("seller"))
    yield seller
    seller.stop()


@dataclass(frozen=True)
class House:
    """What is asked, with which keys, about what."""

    operations: list[Any]
    keys: list[dict[str, str]]
    ids: dict[str, UUID]
    operator: Callable[[], dict[str, str]]
    """Somebody of the platform's staff who has just signed in: the operator's desk is closed to keys."""

    def keys_for(self, operation: Any) -> list[dict[str, str]]:
        """Who asks."""
        return [self.operator()] if "/operator/" in operation.path else self.keys

    def named(self, operation: Any) -> dict[str, str]:
        """What is in the path, of what is there."""
        return {
            parameter.name: str(self.ids.get(parameter.name, uuid7()))
            for parameter in operation.path_parameters
            if parameter.name.endswith("_id")
        }


@pytest.fixture(scope="module")
def house(addresses: Addresses, seller_app: Seller, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One object of every kind, and a key that may do everything of each organization that has some."""
    services = services_for(addresses, tmp_path_factory.mktemp("house"), sample_seller_port=seller_app.port)
    stage = set_stage(services, seller_app)
    with clock.frozen(clock.now()):
        ids = make_objects(stage)
        with unit_of_work(services.db, SYSTEM) as uow:
            keys = [key_of(uow, org.owner) for org in (stage.buyer, stage.seller, stage.promoter)]
            keys.append(session_of(uow, stage.buyer.owner))  # what concerns a person is no key's
            # The factory seals with a key of its own, which no operator of this house could open.
            ours = [stage.buyer.id, stage.seller.id, stage.promoter.id]
            for account in uow.session.scalars(select(PayoutAccount).where(PayoutAccount.org_id.in_(ours))):
                account.account_sealed = services.secrets.seal(b"6222020200112233445", sealing_context(account))
        video = stage.get(Video, ids["video_id"])
        for stored in (video.media_key, video.cover_key):
            assert stored is not None
            services.storage.put_bytes(stored, b"\0")  # the factory's video has no bytes
        found = schemathesis.openapi.from_asgi("/openapi.json", application(services), timeout=120).get_all_operations()
        # An invalid operation fails here, as it should; an event stream ends when its order does.
        operations = [one.ok() for one in found]  # type: ignore[union-attr]

        def operator() -> dict[str, str]:
            with unit_of_work(services.db, SYSTEM) as uow:
                return operator_of(uow)

        yield House([one for one in operations if not one.path.endswith("/progress")], keys, ids, operator)
    services.db.dispose()


def test_what_names_something_that_is_there_is_answered_as_the_contract_says(house: House) -> None:
    """Made-up ids meet 404 and 422 alone; here every read is asked for real objects by those whose they are."""
    answered: dict[str, bool] = {}
    broken: list[str] = []
    for operation in house.operations:
        if operation.method.upper() != "GET" or "/operator/" in operation.path:
            continue
        unnamed = {parameter.name: str(uuid7()) for parameter in operation.path_parameters}
        case = operation.Case(path_parameters=unnamed | house.named(operation))
        statuses = set()
        for key in house.keys:
            response = case.call(headers=key)
            try:
                case.validate_response(response, checks=CHECKS)
            except BaseExceptionGroup as error:
                broken.append(f"{operation.label}: {error.exceptions} {response.text[:200]}")
            statuses.add(response.status_code)
        answered[operation.label] = any(status < 300 for status in statuses)
    assert broken == [], "\n".join(broken)
    refused = sorted(label for label, is_answered in answered.items() if not is_answered)
    print(f"{len(answered) - len(refused)} of {len(answered)} reads answered 2xx; not: {refused}")
    assert len(answered) > 40
    assert len(refused) <= (1 - ANSWERED) * len(answered), refused


def under_fire(house: House, operation: Any, reached: Counter[int]) -> Callable[[], None]:
    """Asks an operation whatever its schema allows, every second time about what is there, and counts classes of status."""

    @settings(
        max_examples=6,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), key=sampled_from(house.keys_for(operation)), is_there=booleans())
    def fire(case: Any, key: dict[str, str], is_there: bool) -> None:  # noqa: FBT001 - drawn
        if is_there:
            case.path_parameters = (case.path_parameters or {}) | house.named(operation)
        # A session that was made up would be sent in place of the one that is there.
        case.cookies = {}
        response = case.call(headers=key | {"Idempotency-Key": uuid7().hex})
        reached[response.status_code // 100] += 1
        case.validate_response(response, checks=CHECKS)

    return fire


@pytest.mark.timeout(900)  # some five thousand requests
def test_no_answer_is_a_server_error_or_breaks_its_schema(house: House) -> None:
    """The last test of these: nothing that is there is spared."""
    broken: list[str] = []
    reached = Counter[int]()
    for operation in house.operations:
        try:
            under_fire(house, operation, reached)()
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - every operation is tried; all that break are named together
            # What broke once and not again is told by what it was then.
            causes = error.exceptions if isinstance(error, BaseExceptionGroup) else (error,)
            broken += [f"{operation.label}: {type(one).__name__} {str(one)[:400]}" for one in causes]
    print(f"answers by class of status: {dict(reached)}")
    assert broken == [], "\n".join(broken)
    assert len(house.operations) > 90
    assert reached[2] > REACHED * reached.total()
