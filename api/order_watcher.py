"""Who waits for news of orders.

It hands out no data: whoever is signalled reads what happened in a transaction of their own, under their own rights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from api.watching import Watcher
from kernel.db.uow import UnitOfWork
from orders.progress import progress_marks


class OrderWatcher(Watcher):
    """Watches orders by `progress_marks`."""

    def marks(self, uow: UnitOfWork, row_ids: Sequence[UUID]) -> Mapping[UUID, str]:
        """As `progress_marks`."""
        return progress_marks(uow, row_ids)
