"""A step of an organization's work that writes what is the platform's alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kernel.db.uow import UnitOfWork
from kernel.principal import SYSTEM


@contextmanager
def as_platform(uow: UnitOfWork) -> Iterator[None]:
    """Let row level security see the platform in the block; afterwards the principal acts again."""
    principal = uow.principal
    if principal.is_platform:
        yield
        return
    uow.flush()
    uow.act_as(SYSTEM)
    yield
    uow.flush()
    uow.act_as(principal)


@contextmanager
def reading_as_platform(uow: UnitOfWork) -> Iterator[None]:
    """As `as_platform`, for what is asked ahead and fetched alone: nothing is written, so that no round trip is spent on it."""
    principal = uow.principal
    if principal.is_platform:
        yield
        return
    uow.act_as(SYSTEM)
    yield
    uow.act_as(principal)
