"""Batches of usage as sellers' systems send them: one event that cannot be read keeps no other from counting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from api.schema import UtcIn, Wire
from fulfillment.usage.record_usage import MAX_BATCH

AmountIn = Annotated[
    str,
    Field(
        pattern=r"^-?[0-9]{1,16}(\.[0-9]{1,6})?$",
        description="An exact decimal number, at most six digits after the point",
        examples=["12.5"],
    ),
]
_VISIBLE = r"^[^\x00-\x1f\x7f]*$"
"""No control characters: the database takes no NUL, and one event that cannot be stored would lose its whole batch."""
EventIdIn = Annotated[str, Field(min_length=1, max_length=100, pattern=_VISIBLE)]
DimensionIn = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$", examples=["api_calls"])]


class UsageEventIn(Wire):
    """One event, as CloudEvents names its parts. `id` is the seller's own: sent again, it counts once, for ever.

    `quantity` below zero takes back part of the event that `corrects` names, while its period is open.
    """

    id: EventIdIn
    time: UtcIn
    entitlement: Annotated[UUID, Field(strict=False)]
    dimension: DimensionIn
    quantity: AmountIn
    corrects: EventIdIn | None = None
    unit: Annotated[str, Field(max_length=40, pattern=_VISIBLE)] | None = None


@dataclass(frozen=True, slots=True)
class UnreadableEvent:
    """An event that is not one; what is wrong with which of its fields, as the library says it."""

    id: str
    field: str
    said: str


def _read_by_itself(given: Any, read: ValidatorFunctionWrapHandler) -> UsageEventIn | UnreadableEvent:
    """One that cannot be read keeps no other of its batch from counting."""
    try:
        found: UsageEventIn = read(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        named = given.get("id") if isinstance(given, dict) else None
        at = ".".join(str(part) for part in first["loc"])
        return UnreadableEvent(named[:100] if isinstance(named, str) else "", at, first["msg"])
    return found


class UsageBatchIn(Wire):
    """At most 1,000 events. Each is read and judged by itself."""

    events: Annotated[
        list[Annotated[UsageEventIn, WrapValidator(_read_by_itself)]], Field(min_length=1, max_length=MAX_BATCH)
    ]

    @property
    def each(self) -> list[UsageEventIn | UnreadableEvent]:
        """The events in the order in which they were sent, as they were read."""
        return [*self.events]
