"""The periods that a batch may count to: opened where they are missing, and locked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select

from fulfillment.usage.models import USAGE_PERIOD, UsagePeriod
from fulfillment.usage.periods import CLOSES_AFTER
from fulfillment.usage.terms import Bounds, UsageTerms
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7

BACK = timedelta(days=35)
AHEAD = timedelta(minutes=5)
"""How far off an event may lie."""

Span = tuple[datetime, datetime]


class OpenPeriods:
    """What may be counted to, by entitlement. Every one is locked until the transaction ends."""

    def __init__(self, periods: Iterable[UsagePeriod]) -> None:
        self.by_id = {period.id: period for period in periods}
        self._of: dict[UUID, list[UsagePeriod]] = defaultdict(list)
        for period in self.by_id.values():
            self._of[period.entitlement_id].append(period)

    def of(self, terms: UsageTerms, at: datetime) -> UsagePeriod | None:
        """To which period something at an instant counts: its own, or the present one where that is closed; None without.

        What an entitlement that has ended was used for counts until its last period is closed.
        """
        for instant in (at, clock.now()):
            for period in self._of[terms.entitlement_id]:
                if period.starts_at <= instant < period.ends_at and takes(period):
                    return period
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
    instants: dict[UUID, tuple[UsageTerms, set[datetime]]] = {}
    for terms, at in wanted:
        within = (one for one in (at, now) if terms.valid_to is None or one < terms.valid_to)
        instants.setdefault(terms.entitlement_id, (terms, set()))[1].update(within)
    known = _known(uow, instants)
    for entitlement_id, (terms, asked) in sorted(instants.items(), key=lambda item: item[0]):
        for at in sorted(asked):
            _open_at(uow, terms, at, known[entitlement_id])
    uow.flush()
    statement = (
        select(UsagePeriod)
        .where(
            or_(
                UsagePeriod.id.in_(also),
                UsagePeriod.entitlement_id.in_(instants)
                & (UsagePeriod.ends_at > now - BACK)
                & (UsagePeriod.state == "open"),
            )
        )
        .order_by(UsagePeriod.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return OpenPeriods(uow.session.scalars(statement))


def _known(uow: UnitOfWork, entitlement_ids: Collection[UUID]) -> dict[UUID, list[Span]]:
    rows = uow.session.execute(
        select(UsagePeriod.entitlement_id, UsagePeriod.starts_at, UsagePeriod.ends_at).where(
            UsagePeriod.entitlement_id.in_(entitlement_ids), UsagePeriod.ends_at > clock.now() - BACK
        )
    )
    found: dict[UUID, list[Span]] = defaultdict(list)
    for row in rows:
        found[row.entitlement_id].append((row.starts_at, row.ends_at))
    return found


def _open_at(uow: UnitOfWork, terms: UsageTerms, at: datetime, known: list[Span]) -> None:
    """Open the period that holds an instant, where there is none and it would still take anything; never over another one.

    Terms change, periods that were opened do not: a trial that was made longer is counted in two.
    """
    assert terms.valid_from is not None  # noqa: S101 - what has not begun is refused before
    at = max(at, terms.valid_from)
    if any(starts_at <= at < ends_at for starts_at, ends_at in known):
        return
    bounds = terms.period_at(at)
    starts_at = max([bounds.starts_at, *(end for _, end in known if end <= at)])
    ends_at = min([bounds.ends_at, *(start for start, _ in known if start > at)])
    if clock.now() < ends_at + CLOSES_AFTER:
        known.append((starts_at, ends_at))
        _open(uow, terms, bounds, starts_at, ends_at)


def _open(uow: UnitOfWork, terms: UsageTerms, bounds: Bounds, starts_at: datetime, ends_at: datetime) -> None:
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
        terms_id=bounds.terms.id,
        is_trial=bounds.is_trial,
        amount_minor=None,
        currency=bounds.terms.price.currency,
    )
    if uow.add_if_absent(period, "entitlement_id", "starts_at"):
        USAGE_PERIOD.begin(uow, period, org_ids=terms.parties)
