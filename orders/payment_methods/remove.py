"""Remove a kept payment method; what it pays for is paid by another from then on."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from billing.payment_methods.change import lock_methods, remove_method
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid
from orders.payment_methods.paid_by import paid_by
from orders.subscriptions.change_payment_method import ChangePaymentMethod, change_payment_method


@dataclass(frozen=True, slots=True)
class RemovePaymentMethod:
    """`replace_by`: the kept method by which what it pays for goes on being paid, where it pays for anything."""

    method_id: UUID
    replace_by: UUID | None = None


def remove_payment_method(uow: UnitOfWork, command: RemovePaymentMethod) -> None:
    """Let a method be charged no more, and its gateway keep it no longer.

    Raises: Forbidden without orders.buy, NotFound `payment_method_not_found`, Conflict `payment_method_in_use` where a
    subscription is paid by it and no other is named, Invalid `payment_method_replaces_itself`.
    Emits: as `change_payment_method`, for each subscription. Locks: these, one after the other; then the organization's methods.
    Idempotent.
    """
    uow.principal.require("orders.buy")
    if command.replace_by == command.method_id:
        raise Invalid("payment_method_replaces_itself", field="replace_by")
    removed = lock_methods(uow, command.method_id, kept=False)
    used = paid_by(uow, removed.gateway, [removed.token]) if removed.removed_at is None else []
    if used and command.replace_by is None:
        raise Conflict("payment_method_in_use", number=len(used))
    if used and command.replace_by is not None:
        other = lock_methods(uow, command.replace_by)
        for one in used:
            change_payment_method(uow, ChangePaymentMethod(one.subscription_id, other.gateway, other.token))
    remove_method(uow, removed.id)
