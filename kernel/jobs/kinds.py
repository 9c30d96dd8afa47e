"""What kinds of work exist, who does it, and which events it follows.

Three kinds:
- `@job(kind)`: `fn(uow, payload)` runs in the one transaction that also ends the job: the effect happens exactly once.
- `@call(kind)`: work that asks the outside world. `prepare` runs in the transaction that claims the job, `call` holds no
  transaction, `conclude` runs in the transaction that ends the job, fenced by the claim's epoch.
- `@sweep(name, every)`: what waits too long is found and settled under the scheduler's lock; there is no job row.

The registry fills when the composition lets every package register; it does so in every process, so that an API process and
a worker agree on who follows an event.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from kernel.db.uow import Transact, UnitOfWork
    from kernel.events import Event
    from kernel.jobs.context import JobClaim

Payload = dict[str, Any]
Work = Callable[["UnitOfWork", Payload], None]
SweepWork = Callable[["Transact"], None]
W = TypeVar("W", bound=Work)
H = TypeVar("H", bound="CallHandler[Any, Any]")
R = TypeVar("R")
"""The request that is carried from `prepare` to `call` and `conclude`."""
A = TypeVar("A")
"""The answer that is carried from `call` to `conclude`."""


@dataclass(frozen=True, slots=True)
class Again:
    """The job is to run again after `delay`; that is no failure."""

    delay: timedelta
    reason: str


class RetryLater(Exception):
    """Raised by a `@job` that wants to run again after `delay`; nothing of this try is kept, and it is no failure."""

    def __init__(self, delay: timedelta, reason: str) -> None:
        super().__init__(reason)
        self.delay = delay


class CallHandler(Protocol[R, A]):
    """The three steps of a `@call`."""

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> R | Again | None:
        """Write down the intent. None: nothing is to be asked, the job is done."""

    def call(self, request: R) -> A:
        """Ask the outside world. No transaction is open; what it raises is a failure that is tried again."""

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: R, answer: A) -> Again | None:
        """Write down what came of it. None: the job is done."""


@runtime_checkable
class ReadsAhead(Protocol):
    """A handler of a `@call` that knows before its steps what they will lock and read.

    It queues that (`kernel.db.locks.lock_aggregate`, `UnitOfWork.ask_ahead`) and waits for nothing: all calls of a batch
    then have it in one round trip.
    """

    def before_prepare(self, uow: UnitOfWork, claim: JobClaim) -> None:
        """Ask ahead what `prepare` reads."""

    def before_conclude(self, uow: UnitOfWork, claim: JobClaim, request: Any, answer: Any) -> None:
        """Ask ahead what `conclude` reads. The claim may turn out to be lost."""


@dataclass(frozen=True, slots=True)
class JobKind:
    """A registered kind of job: either `work` or `handler` is set."""

    name: str
    queue: str
    max_attempts: int
    work: Work | None = None
    handler: CallHandler[Any, Any] | None = None
    reads_ahead: ReadsAhead | None = None
    """The handler, where it is one."""
    ahead: Work | None = None
    """Asks ahead what `work` will read (see `kernel.jobs.outbox.expect`)."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """Work that the scheduler does once per `every`, whoever of several schedulers holds the lock."""

    name: str
    every: timedelta
    work: SweepWork


_kinds: dict[str, JobKind] = {}
_followers: dict[str, list[str]] = {}
_recorded: set[str] = set()
_sweeps: dict[str, Sweep] = {}


def job(kind: str, *, queue: str = "default", max_attempts: int = 12) -> Callable[[W], W]:
    """Register `fn(uow, payload)` as the work of `kind`."""

    def register(fn: W) -> W:
        _add(JobKind(kind, queue, max_attempts, work=fn))
        return fn

    return register


def call(kind: str, *, queue: str = "default", max_attempts: int = 12) -> Callable[[H], H]:
    """Register an object with the steps `prepare`, `call`, `conclude` as the handler of `kind`."""

    def register(handler: H) -> H:
        known: object = handler
        reads_ahead = known if isinstance(known, ReadsAhead) else None
        _add(JobKind(kind, queue, max_attempts, handler=handler, reads_ahead=reads_ahead))
        return handler

    return register


def sweep(name: str, *, every: timedelta) -> Callable[[SweepWork], SweepWork]:
    """Let the scheduler call `fn(transact)` once per `every`; each `transact(work)` is a unit of work of its own."""

    def register(fn: SweepWork) -> SweepWork:
        _sweeps[name] = Sweep(name, every, fn)
        return fn

    return register


def forget_sweep(name: str) -> None:
    """Do it no more: this composition of the process has not what an earlier one did it with."""
    _sweeps.pop(name, None)


def follows(
    event: type[Event], *, queue: str = "default", max_attempts: int = 12, ahead: Work | None = None
) -> Callable[[W], W]:
    """Register `fn(uow, payload)` as a follower of `event`; payload = the event's fields.

    It runs in the event's own transaction where that acts for the platform, else, and after a failure there, as a job.
    `ahead(uow, payload)` locks and asks ahead what the follower, and what follows it, will read; it waits for nothing.
    """

    def register(fn: W) -> W:
        kind = f"{fn.__module__}.{fn.__qualname__}"
        _add(JobKind(kind, queue, max_attempts, work=fn, ahead=ahead))
        known = _followers.setdefault(event.topic, [])
        if kind not in known:
            known.append(kind)
        return fn

    return register


def record_events(*events: type[Event]) -> None:
    """Let these be recorded whether or not anybody follows them: somebody reads the record later, many at a time."""
    _recorded.update(event.topic for event in events)


def is_recorded(topic: str) -> bool:
    """Whether an event of `topic` is written down: somebody follows it, or reads it later."""
    return topic in _recorded or bool(_followers.get(topic))


def followers(topic: str) -> list[str]:
    """Kinds of work that follow events of `topic`, in order of registration."""
    return _followers.get(topic, [])


def find_kind(name: str) -> JobKind | None:
    """The registered kind, or None for a job of a newer or older release."""
    return _kinds.get(name)


def names() -> list[str]:
    """Every registered kind."""
    return list(_kinds)


def kind_of(name: str) -> JobKind:
    """The registered kind. Raises KeyError for one nobody registered: enqueuing it would be work without a worker."""
    return _kinds[name]


APART = "%.%"
"""What queues that are worked apart match in SQL (LIKE): no others have a point in their names."""


def work_apart(prefix: str) -> None:
    """Let every job that this process leaves go into a queue of its own, `prefix` before its name: no worker looks there.

    For a process that runs at another time than the others: its jobs are run by itself, at that time.
    """
    for name, kind in _kinds.items():
        if not kind.queue.startswith(prefix):
            _kinds[name] = replace(kind, queue=prefix + kind.queue)


def sweeps() -> list[Sweep]:
    """Everything the scheduler does."""
    return list(_sweeps.values())


def topics() -> dict[str, list[str]]:
    """Followers by topic, for the page that shows the loop and for `verify`."""
    return {topic: list(kinds) for topic, kinds in _followers.items()}


def _add(kind: JobKind) -> None:
    known = _kinds.get(kind.name)
    if known is not None and _home(known) != _home(kind):
        msg = f"job kind {kind.name} is registered twice, in {_home(known)} and {_home(kind)}"
        raise RuntimeError(msg)
    # The same function again is a second composition in one process; its ports replace the first one's.
    _kinds[kind.name] = kind


def _home(kind: JobKind) -> str:
    registered: Any = kind.work or type(kind.handler)
    return f"{registered.__module__}.{registered.__qualname__}"
