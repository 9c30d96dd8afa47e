"""Operations of the contract asked one by one, each answer held against the document."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import schemathesis
from litestar import Litestar
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from api.v1.uploads import CONTENT_TYPE
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.principal import Principal, PrincipalKind
from marketplace.access.api_keys import MintApiKey, mint_api_key
from marketplace.access.authenticate import csrf_of, hash_token
from marketplace.access.models import Member, Person, SignInSession
from marketplace.access.permissions import EVERYTHING
from marketplace.parties.models import PLATFORM_ORG_ID
from tests.factories_marketplace import acting

Who = dict[str, str]
"""The headers of a caller."""
NOBODY: Who = {}
schemathesis.serializer.alias(CONTENT_TYPE, "application/octet-stream")


def key_of(uow: UnitOfWork, owner: Principal) -> Who:
    """A key of the owner's organization that may do everything a key may."""
    with acting(uow, owner):
        return {"Authorization": f"Bearer {mint_api_key(uow, MintApiKey('walk', tuple(sorted(EVERYTHING)))).text}"}


def session_of(uow: UnitOfWork, principal: Principal) -> Who:
    """A browser of somebody who has signed in."""
    token = uuid7().hex
    uow.session.add(
        SignInSession(
            token_hash=hash_token(token),
            person_id=principal.person(),
            org_id=principal.organization(),
            expires_at=clock.now() + timedelta(days=900),
        )
    )
    uow.flush()
    return {"Cookie": f"session={token}", "X-CSRF-Token": csrf_of(token)}


def operator_of(uow: UnitOfWork) -> Who:
    """A browser of somebody of the platform's own staff."""
    person_id = uuid7()
    email = f"{person_id.hex}@platform.test"
    uow.session.add(Person(id=person_id, email=email, name="Ops", password_hash="x", locale="en", is_operator=True))
    uow.flush()
    uow.session.add(Member(org_id=PLATFORM_ORG_ID, person_id=person_id, roles=["operator"], state="active"))
    return session_of(uow, Principal(PrincipalKind.OPERATOR, PLATFORM_ORG_ID, person_id))


@dataclass
class Walk:
    """What was asked of an application, and what answered as it should not have."""

    app: Litestar
    answered: set[str] = field(default_factory=set)
    """Operations that have answered 2xx."""
    broken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.schema: Any = schemathesis.openapi.from_asgi("/openapi.json", self.app, timeout=120)

    def ask(
        self, label: str, who: Who, body: Any = None, media_type: str = "application/json", /, **named: object
    ) -> Any:
        """Ask `METHOD /path`, with what is in its path and query by name; returns the body of the answer."""
        method, _, path = label.partition(" ")
        operation = self.schema[path][method.lower()]
        headers = who | ({"Idempotency-Key": uuid7().hex} if method == "POST" else {})
        given: dict[str, Any] = {} if body is None else {"body": body, "media_type": media_type}
        in_path = {name: str(value) for name, value in named.items() if f"{{{name}}}" in path}
        query = {name: str(value) for name, value in named.items() if name not in in_path}
        case = operation.Case(path_parameters=in_path, query=query, headers=headers, **given)
        # Ten seconds are its own limit, and the first text of a process loads a dictionary.
        response = case.call(timeout=120)
        try:
            case.validate_response(
                response, checks=[not_a_server_error, status_code_conformance, response_schema_conformance]
            )
        except BaseExceptionGroup as error:
            self.broken.append(f"{label}: {error.exceptions} {response.text[:200]}")
        if response.status_code < 300:
            self.answered.add(label)
        else:
            self.broken.append(f"{label}: {response.status_code} {response.text[:400]}")
        speaks = "json" in response.headers.get("content-type", [""])[0]
        return response.json() if response.content and speaks else None

    @contextmanager
    def going_on(self, what: str) -> Iterator[None]:
        """What stops the walk here is reported with the rest, which is gone on with."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - an answer that lacks what the next step needs
            self.broken.append(f"{what}: {error!r}")
