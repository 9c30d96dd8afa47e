"""What kinds of jobs exist, who runs them, and which facts they follow.

Two forms of handler:
- `@job(kind)`: `fn(uow, payload)` runs in one unit of work that also marks the job done: the effect happens exactly once.
- `@process(kind)`: `fn(ctx, payload)` for work that must call the outside world between transactions; each
  `ctx.transact(...)` is fenced by the claim's epoch.

The registry fills when the packages are imported; the composition imports all of them in every process, so that an API
process and a worker agree on who follows a fact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from kernel.db.uow import UnitOfWork
    from kernel.events import Event
    from kernel.jobs.run import JobContext

Payload = dict[str, Any]
InOneTransaction = Callable[["UnitOfWork", Payload], None]
InSteps = Callable[["JobContext", Payload], None]
F = TypeVar("F", bound=Callable[..., None])

SLOT = "slot:"
"""What the dedupe keys of periodic jobs begin with; the number of the interval follows."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A registered kind of job."""

    name: str
    queue: str
    max_attempts: int
    in_one_transaction: InOneTransaction | None = None
    in_steps: InSteps | None = None


@dataclass(frozen=True, slots=True)
class Periodic:
    """A job the scheduler enqueues once per `every`, whoever of several schedulers holds the lock."""

    kind: str
    every: timedelta


class RetryLater(Exception):
    """Raised by a handler that wants to run again after `delay`; does not count as a failure."""

    def __init__(self, delay: timedelta, reason: str) -> None:
        super().__init__(reason)
        self.delay = delay


_kinds: dict[str, Kind] = {}
_followers: dict[str, list[str]] = {}
_periodic: list[Periodic] = []


def job(kind: str, *, queue: str = "default", max_attempts: int = 12) -> Callable[[F], F]:
    """Register `fn(uow, payload)` as the handler of `kind`."""

    def register(fn: F) -> F:
        _add(Kind(kind, queue, max_attempts, in_one_transaction=fn))
        return fn

    return register


def process(kind: str, *, queue: str = "default", max_attempts: int = 12) -> Callable[[F], F]:
    """Register `fn(ctx, payload)` as the handler of `kind`."""

    def register(fn: F) -> F:
        _add(Kind(kind, queue, max_attempts, in_steps=fn))
        return fn

    return register


def follows(event: type[Event], *, queue: str = "default", max_attempts: int = 12) -> Callable[[F], F]:
    """Register `fn(uow, payload)` as a follower of `event`: one job per fact, payload = the fact's fields."""

    def register(fn: F) -> F:
        kind = f"{fn.__module__}.{fn.__qualname__}"
        _add(Kind(kind, queue, max_attempts, in_one_transaction=fn))
        known = _followers.setdefault(event.topic, [])
        if kind not in known:
            known.append(kind)
        return fn

    return register


def every(interval: timedelta, kind: str) -> None:
    """Let the scheduler enqueue `kind` once per `interval`."""
    if kind not in {known.kind for known in _periodic}:
        _periodic.append(Periodic(kind, interval))


def followers(topic: str) -> list[str]:
    """Kinds of jobs that follow facts of `topic`, in order of registration."""
    return _followers.get(topic, [])


def kind_of(name: str) -> Kind | None:
    """The registered kind, or None for a job of a newer or older release."""
    return _kinds.get(name)


def queue_of(name: str) -> str:
    """The queue of a kind. Raises KeyError for a kind nobody registered: enqueuing it would be work without a worker."""
    return _kinds[name].queue


def periodic() -> list[Periodic]:
    """Everything the scheduler runs."""
    return list(_periodic)


def topics() -> dict[str, list[str]]:
    """Followers by topic, for the page that shows the loop and for `verify`."""
    return {topic: list(kinds) for topic, kinds in _followers.items()}


def _add(kind: Kind) -> None:
    known = _kinds.get(kind.name)
    if known is not None and _home(known) != _home(kind):
        msg = f"job kind {kind.name} is registered twice, in {_home(known)} and {_home(kind)}"
        raise RuntimeError(msg)
    # The same function again is a second composition in one process; its ports replace the first one's.
    _kinds[kind.name] = kind


def _home(kind: Kind) -> str:
    handler = kind.in_one_transaction or kind.in_steps
    return f"{handler.__module__}.{handler.__qualname__}" if handler else ""
