"""What a month's cap of a promoter plan gives, taken from what is left of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from billing.promoter_plans.models import PromoterMonth
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7


@dataclass(frozen=True, slots=True)
class TakeFromMonth:
    """Whose month under which plan. The cap is that which the order pinned."""

    plan_id: UUID
    seller_org_id: UUID
    promoter_org_id: UUID
    at: datetime
    currency: str
    cap_minor: int


def take_from_month(uow: UnitOfWork, command: TakeFromMonth, wanted_minor: int) -> int:
    """What of `wanted_minor` the cap has left, in minor units; it is counted as used.

    Locks: the promoter's month: charges at the same time get together what is left, never more.
    """
    month = command.at.astimezone(UTC).date().replace(day=1)
    uow.session.execute(
        insert(PromoterMonth)
        .values(
            id=uuid7(),
            plan_id=command.plan_id,
            seller_org_id=command.seller_org_id,
            promoter_org_id=command.promoter_org_id,
            month=month,
            currency=command.currency,
            used_minor=0,
        )
        .on_conflict_do_nothing(index_elements=["plan_id", "promoter_org_id", "month"])
    )
    row = uow.session.scalars(
        select(PromoterMonth)
        .where(
            PromoterMonth.plan_id == command.plan_id,
            PromoterMonth.promoter_org_id == command.promoter_org_id,
            PromoterMonth.month == month,
        )
        .with_for_update()
    ).one()
    given_minor = min(wanted_minor, max(command.cap_minor - row.used_minor, 0))
    row.used_minor += given_minor
    uow.flush()
    return given_minor
