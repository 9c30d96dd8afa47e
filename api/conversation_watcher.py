"""Who waits for news of conversations: one poller a process for every open thread, as for orders."""

from __future__ import annotations

from uuid import UUID

from api.order_watcher import OrderWatcher
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from orders.conversations.queries import conversation_marks


class ConversationWatcher(OrderWatcher):
    """As its parent, of threads."""

    def _look(self, order_ids: list[UUID]) -> dict[UUID, str]:
        with unit_of_work(self._db, SYSTEM) as uow:
            return conversation_marks(uow, order_ids)
