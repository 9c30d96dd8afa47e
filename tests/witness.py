"""A follower of every event: the product records only events that somebody follows, and tests look at all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kernel.db.uow import UnitOfWork
from kernel.events import Event
from kernel.jobs import kinds
from kernel.jobs.kinds import Payload, follows


def witness(_uow: UnitOfWork, _payload: Payload) -> None:
    """Does nothing; that it follows is enough."""


def witness_all(kind: type[Event] = Event) -> None:
    """Let `witness` follow every event there is."""
    for event in kind.__subclasses__():
        follows(event)(witness)
        witness_all(event)


@contextmanager
def without_witness() -> Iterator[None]:
    """As in production: for tests that count what is written."""
    name = f"{witness.__module__}.{witness.__qualname__}"
    followers = kinds._followers
    before = {topic: list(known) for topic, known in followers.items()}
    for topic, known in before.items():
        followers[topic] = [kind for kind in known if kind != name]
    yield
    followers.update(before)
