"""What reads of purchases return: frozen rows that pages and JSON use alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.departments.queries import DepartmentRow
from orders.approval_rules.steps import ApprovalStep
from orders.checkout.approval_reasons import ApprovalReason
from orders.order.views import OrderView


@dataclass(frozen=True, slots=True)
class ApprovalStepView:
    """A step in which a purchase is decided, and what was decided in it; None as long as nothing was."""

    number: int
    step: ApprovalStep
    decision: str | None = None
    decided_by: UUID | None = None
    decided_by_name: str | None = None
    decided_for: UUID | None = None
    """In whose place, of a deputy."""
    decided_for_name: str | None = None
    reason: str | None = None
    decided_at: datetime | None = None


def steps_shown(steps: Iterable[ApprovalStep]) -> tuple[ApprovalStepView, ...]:
    """Steps in which nothing was decided yet."""
    return tuple(ApprovalStepView(number, step) for number, step in enumerate(steps, 1))


@dataclass(frozen=True, slots=True)
class PurchaseView:
    """A purchase with its orders, as its buyer sees it."""

    id: UUID
    state: str
    currency: str
    net_minor: int
    tax_minor: int
    gross_minor: int
    po_number: str | None
    department: DepartmentRow | None
    billing_profile: dict[str, Any]
    gateway: str
    requested_by: UUID | None
    requested_by_name: str | None
    approval_reasons: tuple[ApprovalReason, ...]
    approval_steps: tuple[ApprovalStepView, ...]
    """As they were when it was placed; empty when it did not wait."""
    decided_by_name: str | None
    decision: str | None
    decision_reason: str | None
    decided_at: datetime | None
    deadline_at: datetime | None
    created_at: datetime
    context: dict[str, Any]
    orders: tuple[OrderView, ...]

    @property
    def waits_for(self) -> ApprovalStepView | None:
        """The step that is to be decided next; None when it waits for nobody's decision."""
        if self.state != "pending_approval":
            return None
        return next((one for one in self.approval_steps if one.decision is None), None)
