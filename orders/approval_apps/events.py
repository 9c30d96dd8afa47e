"""Facts of approval outside."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class OutsideApprovalFailed(Event):
    """A step could not be asked outside: it is decided inside alone."""

    topic: ClassVar[str] = "orders.outside_approval_failed.v1"
    outside_approval_id: UUID
    buyer_org_id: UUID


class OutsideAnswerNotCounted(Event):
    """Somebody answered outside, and it decided nothing."""

    topic: ClassVar[str] = "orders.outside_answer_not_counted.v1"
    answer_id: UUID
    buyer_org_id: UUID
