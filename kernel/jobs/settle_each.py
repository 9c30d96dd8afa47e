"""What waits too long is found in one transaction, and each of it settled in one of its own, or a few in one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog

from kernel.db.uow import Transact, UnitOfWork

K = TypeVar("K")
log = structlog.get_logger(__name__)


def settle_each(
    transact: Transact,
    find: Callable[[UnitOfWork], Sequence[K]],
    settle: Callable[[UnitOfWork, K], object],
    *,
    together: int = 1,
) -> int:
    """Settle each row found; one that cannot be settled is logged and keeps no other waiting. Returns how many were found.

    So many of them share a transaction as are settled `together`, where none of them raises: for what may be thousands at once.
    """
    found = transact(find)
    for start in range(0, len(found), together):
        some = found[start : start + together]
        if len(some) == 1 or not _settle_together(transact, some, settle):
            for row in some:
                _settle(transact, row, settle)
    return len(found)


def _settle(transact: Transact, row: K, settle: Callable[[UnitOfWork, K], object]) -> None:
    try:
        transact(lambda uow: settle(uow, row))
    except Exception as error:
        log.warning("sweep_failed", row=str(row), sweep=settle.__qualname__, exc_info=error)


def _settle_together(transact: Transact, rows: Sequence[K], settle: Callable[[UnitOfWork, K], object]) -> bool:
    """Whether they were; where one of them cannot be, none is yet, and which it is shows when each is settled alone."""
    try:
        transact(lambda uow: [settle(uow, row) for row in rows])
    except Exception as error:
        log.info("sweep_settles_alone", rows=len(rows), sweep=settle.__qualname__, exc_info=error)
        return False
    return True
