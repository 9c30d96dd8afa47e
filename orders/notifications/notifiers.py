"""Which events people are told of, and by what: filled by the modules that say so, read by the sweep that notifies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kernel.db.uow import UnitOfWork
from kernel.events import Event
from kernel.jobs.kinds import Payload, record_events
from marketplace.notifications.notify import NewNotification


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event as it was recorded."""

    id: UUID
    topic: str
    payload: Payload
    at: datetime

    def uuid(self, name: str) -> UUID:
        """A field that is an id."""
        return UUID(self.payload[name])


Notifier = Callable[[UnitOfWork, Sequence[RecordedEvent]], Iterable[NewNotification]]
"""Makes notifications of events of one topic. It reads for all of them at once, as the platform."""
_notifiers: dict[str, Notifier] = {}


def notifies_of(event: type[Event]) -> Callable[[Notifier], Notifier]:
    """Register `fn(uow, events)` as what people are told of `event`, which is recorded from now on."""

    def register(fn: Notifier) -> Notifier:
        record_events(event)
        _notifiers[event.topic] = fn
        return fn

    return register


def notifiers() -> dict[str, Notifier]:
    """By topic."""
    return _notifiers
