"""Run the rules over all stored data."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.verify.rule import Comparison, Example, Found, Outside, Rule, count
from app.verify.rules import COMPARISONS, RULES
from kernel.db.uow import Database, UnitOfWork
from kernel.principal import SYSTEM

STATEMENT_TIMEOUT = "15min"


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule found."""

    name: str
    zh: str
    en: str
    found: Found
    seconds: float


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What all rules found."""

    outcomes: tuple[RuleResult, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether nothing is broken."""
        return not any(outcome.found.violations for outcome in self.outcomes)


Telling = Callable[[str], None]


def verify(
    db: Database,
    outside: Outside,
    *,
    tell: Telling = lambda _: None,
    rules: Sequence[Rule] = RULES,
    comparisons: Sequence[Comparison] = COMPARISONS,
) -> VerifyReport:
    """Check every rule on one snapshot of the database, then the files and seller logs against what it said.

    `tell` hears each rule's name before it runs. Changes nothing: the transaction is read-only.
    """
    begun_s = time.monotonic()
    outcomes: list[RuleResult] = []
    collected: list[tuple[Comparison, list[Example]]] = []
    with snapshot(db) as uow:
        outcomes += [_timed(rule, tell, partial(rule.find, uow)) for rule in rules]
        collected += [(rule, rule.collect(uow)) for rule in comparisons]
    for comparison, rows in collected:
        examine = partial(_compare, comparison, rows, outside)
        outcomes.append(_timed(comparison, tell, examine))
    return VerifyReport(tuple(outcomes), time.monotonic() - begun_s)


@contextmanager
def snapshot(db: Database) -> Iterator[UnitOfWork]:
    """A read-only unit of work of the platform that sees one moment throughout; nothing is ever committed."""
    engine = db.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with Session(engine) as session:
        # Some rules compute for long between two statements, which ends a serving transaction.
        session.execute(
            text("""SELECT set_config('app.platform', 'on', true), set_config('statement_timeout', :limit, true),
                           set_config('idle_in_transaction_session_timeout', '0', true)"""),
            {"limit": STATEMENT_TIMEOUT},
        )
        yield UnitOfWork.over(session, SYSTEM)
        session.rollback()


def _compare(comparison: Comparison, rows: Sequence[Example], outside: Outside) -> Found:
    return count(comparison.compare(rows, outside))


def _timed(rule: Rule | Comparison, tell: Telling, find: Callable[[], Found]) -> RuleResult:
    tell(rule.name)
    begun_s = time.monotonic()
    found = find()
    return RuleResult(rule.name, rule.zh, rule.en, found, time.monotonic() - begun_s)
