"""What waits too long is found in one transaction, and each of it settled in one of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog

from kernel.db.uow import Transact, UnitOfWork

K = TypeVar("K")
log = structlog.get_logger(__name__)


def settle_each(
    transact: Transact, find: Callable[[UnitOfWork], Sequence[K]], settle: Callable[[UnitOfWork, K], object]
) -> int:
    """Settle each row found; one that cannot be settled is logged and keeps no other waiting. Returns how many were found."""
    found = transact(find)
    for row in found:
        try:
            transact(lambda uow, row=row: settle(uow, row))  # type: ignore[misc]
        except Exception as error:
            log.warning("sweep_failed", row=str(row), sweep=settle.__qualname__, exc_info=error)
    return len(found)
