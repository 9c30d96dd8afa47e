"""What a rule is: a stable name, a sentence, and a way to find what breaks it.

Most rules are one set-based query that answers the offending rows, ids and figures first. They read one snapshot, so that
work going on meanwhile is seen either wholly or not at all: what a running job has still to do is not a violation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Any, Protocol

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.embedded.databases import SERVING_ROLE
from billing.ledger.heads import HeadsFile
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.storage import Storage

EXAMPLES = 5
GRACE = timedelta(minutes=10)
"""How long after its time something may still be waiting for the sweeper that ends it."""

Example = Mapping[str, Any]


def pending(row_id: str) -> str:
    """SQL: whether work that is not done yet names the row whose id is the expression `row_id`.

    What follows from a fact is then still about to happen. Whether it does so in the fact's own transaction or in a job,
    and whether a job's row outlives its work, makes no difference to a rule.
    """
    return (
        "EXISTS (SELECT 1 FROM kernel.job j WHERE j.state IN ('ready', 'running') "  # noqa: S608 - an expression of a rule's own query
        f"AND strpos(j.payload::text, CAST({row_id} AS text)) > 0)"
    )


def present(org_id: str) -> str:
    """SQL: the time at which the buyer in the expression `org_id` lives: where its test clock stands, else everybody's."""
    own = f"SELECT own.present_at FROM marketplace.test_clock own WHERE own.test_org_id = {org_id}"  # noqa: S608 - (same)
    return f"coalesce(({own}), :now)"


def late(org_id: str) -> str:
    """SQL: `GRACE` before `present`; what was due at that buyer before then is late."""
    return f"({present(org_id)} - interval '{GRACE.seconds} s')"


@dataclass(frozen=True, slots=True)
class Found:
    """How often a rule is broken, and the first few places."""

    violations: int
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Outside:
    """What lies outside the database. Without a storage, files are not looked at."""

    storage: Storage | None = None
    seller_logs: tuple[str, ...] = ()
    heads: HeadsFile | None = None


class Rule(Protocol):
    """A rule that the stored data alone can break."""

    @property
    def name(self) -> str:
        """Stable, `subject.what`."""

    @property
    def zh(self) -> str:
        """What holds, in Chinese."""

    @property
    def en(self) -> str:
        """What holds, in English."""

    def find(self, uow: UnitOfWork) -> Found:
        """Whatever breaks it."""


@dataclass(frozen=True, slots=True)
class Query:
    """Every row of `sql` breaks the rule. It may use `:now`, `:late` (ten minutes ago) and `:role` (the serving one)."""

    name: str
    zh: str
    en: str
    sql: str
    parameters: Callable[[], Mapping[str, Any]] = field(default=dict)

    def find(self, uow: UnitOfWork) -> Found:
        """See `Rule.find`."""
        counted = (
            f"SELECT count(*) OVER () AS violations, to_jsonb(bad) AS example FROM ({self.sql}) bad LIMIT {EXAMPLES}"  # noqa: S608 - this repository's own queries
        )
        rows = _execute(uow.session, counted, self.parameters())
        return Found(rows[0].violations, tuple(row.example for row in rows)) if rows else Found(0)


@dataclass(frozen=True, slots=True)
class Reading:
    """`look` yields each place that breaks the rule: for what SQL cannot recompute."""

    name: str
    zh: str
    en: str
    look: Callable[[UnitOfWork], Iterable[Example]]

    def find(self, uow: UnitOfWork) -> Found:
        """See `Rule.find`."""
        return count(self.look(uow))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rows of `sql` held against the outside, after the snapshot was closed: no lock is held during a call."""

    name: str
    zh: str
    en: str
    sql: str
    compare: Callable[[Sequence[Example], Outside], Iterator[Example]]

    def collect(self, uow: UnitOfWork) -> list[Example]:
        """What the database says."""
        rows = _execute(uow.session, f"SELECT to_jsonb(said) AS said FROM ({self.sql}) said", {})  # noqa: S608 - (same)
        return [row.said for row in rows]


def count(examples: Iterable[Example]) -> Found:
    """Count examples, keeping the first few."""
    found = iter(examples)
    kept = tuple(islice(found, EXAMPLES))
    return Found(len(kept) + sum(1 for _ in found), kept)


def _execute(session: Session, sql: str, parameters: Mapping[str, Any]) -> Sequence[Any]:
    now = clock.now()
    statement = text(sql)
    known = {"now": now, "late": now - GRACE, "role": SERVING_ROLE, **parameters}
    wanted = statement.compile().params
    return session.execute(statement, {name: known[name] for name in wanted}).all()
