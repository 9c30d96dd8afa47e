"""The periods that a batch may count to: opened where they are missing, and locked."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select

from fulfillment.usage.models import USAGE_PERIOD, UsagePeriod
from fulfillment.usage.periods import CLOSES_AFTER, period_at
from fulfillment.usage.terms import UsageTerms
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7

BACK = timedelta(days=35)
AHEAD = timedelta(minutes=5)
"""How far off an event may lie."""


class OpenPeriods:
    """What may be counted to, by entitlement. Every one is locked until the transaction ends."""

    def __init__(self, periods: Iterable[UsagePeriod]) -> None:
        self.by_id = {period.id: period for period in periods}
        self._by_start = {(period.entitlement_id, period.starts_at): period for period in self.by_id.values()}

    def of(self, terms: UsageTerms, at: datetime) -> UsagePeriod | None:
        """To which period something at an instant counts: its own, or the present one where that is closed; None without.

        What an entitlement that has ended was used for counts until its last period is closed.
        """
        for instant in (at, clock.now()):
            found = self._by_start.get((terms.entitlement_id, _bounds(terms, instant)[0]))
            if found is not None and takes(found):
                return found
        return None


def takes(period: UsagePeriod) -> bool:
    """Whether anything may still be counted to it."""
    return period.state == "open" and clock.now() < period.closes_at


def lock_periods(
    uow: UnitOfWork, wanted: Iterable[tuple[UsageTerms, datetime]], also: Collection[UUID] = ()
) -> OpenPeriods:
    """Open what is missing of the periods of these instants, and lock all that they may count to, in the order of ids.

    `also`: periods to be locked besides.
    """
    now = clock.now()
    starts: dict[tuple[UUID, datetime], tuple[UsageTerms, datetime]] = {}
    for terms, at in wanted:
        over = terms.valid_to is not None and terms.valid_to <= now
        for instant in (at,) if over else (at, now):
            starts_at, ends_at = _bounds(terms, instant)
            if now < ends_at + CLOSES_AFTER:
                starts[terms.entitlement_id, starts_at] = terms, ends_at
    known = _known(uow, {entitlement_id for entitlement_id, _ in starts})
    for (entitlement_id, starts_at), (terms, ends_at) in sorted(starts.items(), key=lambda item: item[0]):
        if (entitlement_id, starts_at) not in known:
            _open(uow, terms, starts_at, ends_at)
    uow.flush()
    statement = (
        select(UsagePeriod)
        .where(
            or_(
                UsagePeriod.id.in_(also),
                UsagePeriod.entitlement_id.in_({one for one, _ in starts})
                & (UsagePeriod.ends_at > now - BACK)
                & (UsagePeriod.state == "open"),
            )
        )
        .order_by(UsagePeriod.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return OpenPeriods(uow.session.scalars(statement))


def _bounds(terms: UsageTerms, at: datetime) -> tuple[datetime, datetime]:
    assert terms.valid_from is not None  # noqa: S101 - what has not begun is refused before
    return period_at(terms.valid_from, terms.months, terms.time_zone, max(at, terms.valid_from))


def _known(uow: UnitOfWork, entitlement_ids: Collection[UUID]) -> set[tuple[UUID, datetime]]:
    rows = uow.session.execute(
        select(UsagePeriod.entitlement_id, UsagePeriod.starts_at).where(
            UsagePeriod.entitlement_id.in_(entitlement_ids), UsagePeriod.ends_at > clock.now() - BACK
        )
    )
    return {(row.entitlement_id, row.starts_at) for row in rows}


def _open(uow: UnitOfWork, terms: UsageTerms, starts_at: datetime, ends_at: datetime) -> None:
    period = UsagePeriod(
        id=uuid7(),
        buyer_org_id=terms.buyer_org_id,
        seller_org_id=terms.seller_org_id,
        entitlement_id=terms.entitlement_id,
        state="open",
        starts_at=starts_at,
        ends_at=ends_at,
        closes_at=ends_at + CLOSES_AFTER,
        alerted={},
        amount_minor=None,
        currency=terms.price.currency,
    )
    if uow.add_if_absent(period, "entitlement_id", "starts_at"):
        USAGE_PERIOD.begin(uow, period, org_ids=terms.parties)
