"""A dry run: what would be done is done, and taken back as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from kernel.db.uow import UnitOfWork

R = TypeVar("R")


class _OnlyTried(Exception, Generic[R]):
    """Ends the transaction, so that nothing of it stays."""

    def __init__(self, result: R) -> None:
        super().__init__()
        self.result = result


def dry_run(run: Callable[[Callable[[UnitOfWork], None]], None], work: Callable[[UnitOfWork], R]) -> R:
    """What `work` answers; nothing of it stays. `run` does a work in a transaction. Raises as `work`."""

    def tried(uow: UnitOfWork) -> None:
        raise _OnlyTried(work(uow))

    try:
        run(tried)
    except _OnlyTried as ended:
        result: R = ended.result
        return result
    raise AssertionError("a dry run always ends by its result")
