"""What a party is owed, what is free to be paid out, and what was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Date, cast, func, select

from billing.disputes.queries import in_dispute
from billing.ledger.queries import owed_minor
from billing.payouts.models import Payout
from billing.shares.models import Share
from billing.shares.queries import kinds_of
from kernel.db.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class Balance:
    """A party's money in one currency, positive when the platform owes it."""

    currency: str
    pending_minor: int
    available_minor: int
    paid_minor: int
    forecast: tuple[tuple[date, int], ...]
    """Day (in the time zone asked for) on which a hold ends, and what comes free then; soonest first."""


def balances(uow: UnitOfWork, kind: str, *, time_zone: str = "UTC") -> list[Balance]:
    """The acting organization's money per currency: the ledger's balances, what was paid, and the forecast."""
    org_id = uow.principal.organization()
    currencies = uow.session.scalars(
        select(Share.currency)
        .where(Share.org_id == org_id, Share.kind.in_(kinds_of(kind)))
        .distinct()
        .order_by(Share.currency)
    ).all()
    found = []
    for currency in currencies:
        pending, available = owed_minor(uow, org_id, currency)
        paid = uow.session.scalar(
            select(func.coalesce(func.sum(Payout.amount_minor), 0)).where(
                Payout.org_id == org_id, Payout.currency == currency, Payout.state == "paid"
            )
        )
        forecast = _forecast(uow, org_id, currency, time_zone)
        found.append(Balance(currency, pending, available, int(paid or 0), forecast))
    return found


def _forecast(uow: UnitOfWork, org_id: UUID, currency: str, time_zone: str) -> tuple[tuple[date, int], ...]:
    day = cast(func.timezone(time_zone, Share.releasable_at), Date).label("day")
    rows = uow.session.execute(
        select(day, func.sum(Share.amount_minor - Share.reversed_minor))
        .where(
            Share.org_id == org_id,
            Share.currency == currency,
            Share.state == "pending",
            Share.releasable_at.is_not(None),
            Share.kind != "commission",
            ~in_dispute(Share.group_reference, Share.reference),
        )
        .group_by("day")
        .order_by("day")
    )
    return tuple((on, int(left_minor)) for on, left_minor in rows)
