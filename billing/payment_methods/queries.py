"""Reads of the payment methods that are kept for an organization."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from billing.payment_methods.models import PaymentMethod
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound


@dataclass(frozen=True, slots=True)
class PaymentMethodRow:
    """A kept method as its organization sees it."""

    id: UUID
    org_id: UUID
    gateway: str
    token: str
    kind: str
    brand: str
    last_four: str
    exp_month: int | None
    exp_year: int | None
    is_default: bool
    created_at: datetime
    removed_at: datetime | None

    @property
    def has_expired(self) -> bool:
        """A card is good until the end of its month."""
        if self.exp_month is None or self.exp_year is None:
            return False
        now = clock.now()
        return (self.exp_year, self.exp_month) < (now.year, now.month)


def list_payment_methods(uow: UnitOfWork) -> Sequence[PaymentMethodRow]:
    """What is kept for the acting organization: the default first, then the newest."""
    rows = uow.session.scalars(
        select(PaymentMethod)
        .where(PaymentMethod.org_id == uow.principal.organization(), PaymentMethod.removed_at.is_(None))
        .order_by(PaymentMethod.is_default.desc(), PaymentMethod.id.desc())
    )
    return [_row(one) for one in rows]


def get_payment_method(uow: UnitOfWork, method_id: UUID) -> PaymentMethodRow:
    """One of the acting organization's, also one that is not kept any more. Raises NotFound(`payment_method_not_found`)."""
    found = uow.session.get(PaymentMethod, method_id)
    if found is None or found.org_id != uow.principal.organization():
        raise NotFound("payment_method_not_found")
    return _row(found)


def _row(found: PaymentMethod) -> PaymentMethodRow:
    return PaymentMethodRow(**{name: getattr(found, name) for name in PaymentMethodRow.__dataclass_fields__})
