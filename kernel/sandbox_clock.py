"""The sandbox's test clock: one offset for every process, so that months of renewals and holds can pass in a second."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import CheckConstraint
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from kernel import clock
from kernel.db.base import Base
from kernel.db.uow import UnitOfWork


class SandboxClock(Base):
    """At most one row: seconds that this installation runs ahead of the real clock. Empty in production."""

    __tablename__ = "sandbox_clock"
    __table_args__ = (
        CheckConstraint("id = 1", name="single"),
        CheckConstraint("ahead_s >= 0", name="forward"),
        {"schema": "kernel"},
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    ahead_s: Mapped[int]
    """Never decreases: time that ran backwards would reorder the books."""


def advance(uow: UnitOfWork, by: timedelta) -> int:
    """Move the installation's clock forward; returns the total offset in seconds.

    Every process follows once this is committed. The caller that wants to see it at once shifts its own clock then, not
    before: a transaction that is rolled back moved nothing.
    """
    seconds = max(0, int(by.total_seconds()))
    row = SandboxClock.__table__
    statement = insert(SandboxClock).values(id=1, ahead_s=seconds)
    total: int = uow.session.execute(
        statement.on_conflict_do_update(
            index_elements=["id"], set_={"ahead_s": row.c.ahead_s + statement.excluded.ahead_s}
        ).returning(row.c.ahead_s)
    ).scalar_one()
    return total


def ahead_s(uow: UnitOfWork) -> int:
    """By how many seconds the installation runs ahead of the real clock."""
    # Every second in every process: without a session, which would cost as much again as the query.
    row = uow.cursor.execute("SELECT ahead_s FROM kernel.sandbox_clock").fetchone()
    return row[0] if row else 0


def follow(uow: UnitOfWork) -> None:
    """Bring this process's clock to the installation's."""
    clock.shift(timedelta(seconds=ahead_s(uow)))
