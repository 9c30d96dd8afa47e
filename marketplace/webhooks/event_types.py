"""The catalogue of event types: what each tells, to whom, in which shape. Filled by the packages whose facts they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from kernel.errors import Invalid, NotFound
from kernel.principal import Principal

Side = Literal["buyer", "seller", "party"]
"""For whom the data are: a buyer, a seller, or whichever organization it is about alone."""


class EventData(BaseModel):
    """Base of the `data` of events. Fields may be added; none is renamed or removed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class EventType:
    """One type of event. `permissions`: whoever holds one of them may read it and have it sent."""

    name: str
    zh: str
    en: str
    permissions: frozenset[str]
    samples: Mapping[Side, EventData]
    """By side; the class of a sample is the shape of that side's data."""

    def schema_of(self, side: Side) -> dict[str, Any]:
        """JSON Schema (2020-12) of `data` as that side gets it."""
        return type(self.samples[side]).model_json_schema(mode="serialization")

    def is_for(self, principal: Principal) -> bool:
        """Whether the principal may know it."""
        return any(principal.may(one) for one in self.permissions)


class WebhookTested(EventData):
    """Sent by the button that tests an endpoint."""

    endpoint_id: UUID
    message: str


TEST = "webhook.test"
_types: dict[str, EventType] = {}


def register_types(*types: EventType) -> None:
    """Add types to the catalogue; the same again replaces it."""
    _types.update((one.name, one) for one in types)


def event_types() -> Mapping[str, EventType]:
    """The catalogue by name."""
    return _types


def get_event_type(name: str) -> EventType:
    """Raises NotFound(`event_type_not_found`)."""
    found = _types.get(name)
    if found is None:
        raise NotFound("event_type_not_found")
    return found


def readable_types(principal: Principal) -> list[str]:
    """Names of the types that the principal may read, in order of the catalogue."""
    return [name for name, one in _types.items() if one.is_for(principal)]


def checked_types(names: Collection[str], principal: Principal) -> list[str]:
    """The names in order of the catalogue, each once; a test is always sent.

    Raises: Invalid `event_type_unknown`, `event_types_required`; Forbidden `permission_missing` for one that the principal may
        not read: nobody has sent to an address of theirs what they may not see.
    """
    for name in names:
        found = _types.get(name)
        if found is None:
            raise Invalid("event_type_unknown", field="types", name=name[:100])
        if not found.is_for(principal):
            principal.require(min(found.permissions))
    chosen = [name for name in _types if name in names and name != TEST]
    if not chosen:
        raise Invalid("event_types_required", field="types")
    return chosen


register_types(
    EventType(
        TEST,
        "测试事件：由接口端点页面或接口主动发送，不代表任何业务事实。",
        "A test, sent by the button of an endpoint; nothing happened.",
        frozenset({"webhooks.manage"}),
        {
            "party": WebhookTested(
                endpoint_id=UUID("019ad000-0000-7000-8000-000000000001"), message="Nothing happened: this is a test."
            )
        },
    )
)
