"""State machines: one table per aggregate, one function that applies it, one history row per transition.

A transition to the present state is no transition (duplicates of a callback are harmless); one the table does not list is
refused and changes nothing. There are no wildcard sources: every edge is written down where a reader will look for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, Index, Uuid, any_, bindparam, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from kernel import clock
from kernel.db.base import Base, Id
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from kernel.jobs.outbox import outbox_of


class Stateful(Protocol):
    """A row with an id and a state."""

    id: UUID
    state: str


def state_in(column: InstrumentedAttribute[str], *states: str) -> ColumnElement[bool]:
    """The condition for rows in one of these states, written into the statement itself.

    An index of such rows alone serves a statement only where the states are no parameters: a plan is made once for all of
    them. Name the states of the index, or some of them.
    """
    return column.in_(bindparam(None, states, expanding=True, literal_execute=True))


class StateHistory(Base):
    """One transition: who moved what from where to where, when, why, following which fact. Append-only, partitioned by month."""

    __tablename__ = "state_history"
    __table_args__ = (
        Index("ix_state_history_subject_id", "subject_id", "at"),
        Index("ix_state_history_at", "at", "id"),
        {"schema": "kernel", "postgresql_partition_by": "RANGE (at)"},
    )
    id: Mapped[Id]
    at: Mapped[datetime] = mapped_column(primary_key=True)
    machine: Mapped[str]
    subject_id: Mapped[UUID]
    org_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    actor: Mapped[str]
    reason: Mapped[str | None]
    event_id: Mapped[UUID | None]


class Machine:
    """A transition table. `edges` maps each state to the states that may follow it; a state without followers is final.

    A row begins in one of the `initial` states (words; the first is the usual one).
    """

    def __init__(self, name: str, *, initial: str, edges: Mapping[str, frozenset[str]]) -> None:
        self.name = name
        self.initial = tuple(initial.split())
        self.edges = edges
        self.states = frozenset(edges)
        unknown = {to for followers in edges.values() for to in followers} - self.states
        unknown |= set(self.initial) - self.states
        if unknown or not self.initial:
            msg = f"{name}: states without a row in the table: {sorted(unknown)}"
            raise ValueError(msg)
        machines[name] = self

    def allows(self, source: str, target: str) -> bool:
        """Whether the table lists the edge."""
        return target in self.edges.get(source, frozenset())

    def is_final(self, state: str) -> bool:
        """Whether nothing may follow `state`."""
        return not self.edges[state]

    def begin(
        self, uow: UnitOfWork, row: Stateful, state: str = "", *, org_ids: list[UUID], reason: str | None = None
    ) -> None:
        """Put a new row into an initial state, by default the usual one, and write its first history row.

        Raises:
            Conflict: `invalid_transition`, nothing begins in `state`.
        """
        target = state or self.initial[0]
        if target not in self.initial:
            raise Conflict("invalid_transition", machine=self.name, source="", target=target)
        row.state = target
        self._record(uow, row, None, org_ids, reason, None)

    def move(
        self,
        uow: UnitOfWork,
        row: Stateful,
        target: str,
        *,
        org_ids: list[UUID],
        reason: str | None = None,
        event_id: UUID | None = None,
    ) -> bool:
        """Move a row the caller has locked. Returns False when it is there already.

        Raises:
            Conflict: `invalid_transition`; nothing was changed.
        """
        source = row.state
        if source == target:
            return False
        if not self.allows(source, target):
            raise Conflict("invalid_transition", machine=self.name, source=source, target=target)
        row.state = target
        self._record(uow, row, source, org_ids, reason, event_id)
        return True

    def move_rows(
        self, uow: UnitOfWork, kind: type[Base], rows: Mapping[UUID, list[UUID]], source: str, target: str, **also: Any
    ) -> None:
        """Move many rows (id, whose they are) that the caller has locked in `source`, in one statement, each with its history.

        `also`: other columns that all of them get. Objects of these rows that a session holds are as before.

        Raises:
            Conflict: `invalid_transition`, the table does not list the edge, or a row was not in `source`.
        """
        if not self.allows(source, target):
            raise Conflict("invalid_transition", machine=self.name, source=source, target=target)
        table: Any = kind.__table__
        found = table.c.id == any_(bindparam(None, list(rows), type_=ARRAY(Uuid)))
        statement = update(table).where(found, table.c.state == source).values(state=target, **also)
        if uow.session.connection().execute(statement).rowcount != len(rows):
            raise Conflict("invalid_transition", machine=self.name, source=source, target=target)
        for row_id, org_ids in rows.items():
            self._write(uow, row_id, target, source, org_ids, None, None)

    def _record(
        self,
        uow: UnitOfWork,
        row: Stateful,
        source: str | None,
        org_ids: list[UUID],
        reason: str | None,
        event_id: UUID | None,
    ) -> None:
        self._write(uow, row.id, row.state, source, org_ids, reason, event_id)

    def _write(
        self,
        uow: UnitOfWork,
        row_id: UUID,
        target: str,
        source: str | None,
        org_ids: list[UUID],
        reason: str | None,
        event_id: UUID | None,
    ) -> None:
        principal = uow.principal
        if clock.own_time() is not None:
            outbox_of(uow).note_time()
        uow.append(
            StateHistory,
            machine=self.name,
            subject_id=row_id,
            org_ids=org_ids,
            from_state=source,
            to_state=target,
            actor=f"{principal.kind}:{principal.person_id or principal.label}",
            reason=reason,
            event_id=event_id,
            at=clock.now(),
        )


machines: dict[str, Machine] = {}
"""Every transition table by name, for `verify` and the pages that draw them."""


def edges(**table: str) -> dict[str, frozenset[str]]:
    """Write a table as `state="next other"`; an empty string is a final state."""
    return {state: frozenset(followers.split()) for state, followers in table.items()}
