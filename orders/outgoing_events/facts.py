"""Facts as they were recorded, whose events are made of them many at a time, and what makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from kernel.db.uow import UnitOfWork
from kernel.events import Event
from kernel.jobs.kinds import record_events
from kernel.states import Machine
from marketplace.webhooks.event_types import EventData


@dataclass(frozen=True, slots=True)
class RecordedFact:
    """A transition or a recorded event. `type` is that of the event it becomes, empty where it becomes none."""

    id: UUID
    type: str
    subject_id: UUID
    at: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)

    def uuid(self, name: str) -> UUID:
        """A field of the payload that is an id."""
        return UUID(self.payload[name])


@dataclass(frozen=True, slots=True)
class Addressed:
    """What one organization is told of a fact."""

    fact: RecordedFact
    org_id: UUID
    data: EventData


Teller = Callable[[UnitOfWork, Sequence[RecordedFact]], Iterable[Addressed]]
"""Says who is told what. It reads for all facts at once, as the platform; what it says of a side holds nothing of the other's."""

TRANSITIONS: dict[tuple[str, str], str] = {}
"""Event types by machine and the state that was reached; `began` in front of the state where a row begins in it."""
TOPICS: dict[str, Callable[[Mapping[str, Any]], str]] = {}
"""By the topic of a recorded event, which event type it becomes, by its payload."""
_tellers: dict[str, Teller] = {}


def tells_of_states(machine: Machine, teller: Teller, **types: str) -> None:
    """Tell of a machine's rows when they reach a state: `state="type"`. Of other states nothing is told.

    `began_state="type"` is for rows that begin in it, and then `state` for those that come to it later.
    """
    for state, name in types.items():
        if state.removeprefix("began_") not in machine.states:
            raise ValueError(f"{machine.name} has no state {state}")
        TRANSITIONS[machine.name, state] = name
        _tellers[name] = teller


def tells_of_event(
    event: type[Event], teller: Teller, *names: str, by: Callable[[Mapping[str, Any]], str] | None = None
) -> None:
    """Tell of a recorded event, which is recorded from now on; where it becomes one of several types, `by` its payload."""
    record_events(event)
    TOPICS[event.topic] = by or (lambda _: names[0])
    _tellers.update((name, teller) for name in names)


def teller_of(name: str) -> Teller:
    """Who says what events of a type hold."""
    return _tellers[name]


def published_types() -> frozenset[str]:
    """Every type that some fact becomes."""
    return frozenset(_tellers)


def type_of_transition(machine: str, from_state: str | None, to_state: str) -> str:
    """The event type of a transition; empty where nothing is told of it."""
    if from_state is None:
        began = TRANSITIONS.get((machine, f"began_{to_state}"))
        return began or TRANSITIONS.get((machine, to_state), "")
    return TRANSITIONS.get((machine, to_state), "")
