"""Usage comes in from sellers' systems, in batches: each event is judged by itself, counted once, and durable when answered."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from fulfillment.usage.alerts import tell
from fulfillment.usage.counted import Counted, Original, read_counted, read_originals
from fulfillment.usage.models import UsagePeriod
from fulfillment.usage.open_periods import AHEAD, BACK, OpenPeriods, lock_periods, takes
from fulfillment.usage.store_usage import NewUsage, store_keys, store_usage
from fulfillment.usage.terms import UsageTerms, usage_terms
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import TooMany
from kernel.ids import named_id
from marketplace.pricing.components import MAX_QUANTITY
from marketplace.test_clocks.own_time import enter_time_of

MAX_BATCH = 1_000
GRAIN = Decimal("0.000001")
Outcome = Literal["accepted", "duplicate", "refused"]


@dataclass(frozen=True, slots=True)
class UsageIn:
    """One event as a seller's system reports it. `id` is the seller's own, for ever; below zero it corrects another one."""

    id: str
    time: datetime
    entitlement_id: UUID
    dimension: str
    quantity: Decimal
    corrects: str | None = None
    unit: str | None = None

    def digest(self) -> bytes:
        """What it says, so that the same identifier with something else is recognised."""
        time = self.time.astimezone(UTC).isoformat()
        said = f"{time}|{self.entitlement_id}|{self.dimension}|{self.quantity.normalize():f}|{self.corrects}"
        return hashlib.blake2b(said.encode(), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class UsageResult:
    """What became of an event. `code` says why it was refused."""

    id: str
    outcome: Outcome
    code: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)


class _Refused(Exception):
    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code, self.params = code, params


def record_usage(uow: UnitOfWork, items: Sequence[UsageIn]) -> list[UsageResult]:
    """Count a batch of the acting seller's events, in their order. Returns a verdict for each; what is refused changes nothing.

    An event that was counted before is a duplicate, whenever it comes again. Late ones count to the first open period.

    Raises: TooMany `batch_too_large`. Emits: UsageAlerted. Locks: the open periods, by id. Idempotent by (seller, id).
    """
    if len(items) > MAX_BATCH:
        raise TooMany("batch_too_large", limit=MAX_BATCH)
    batch = _Batch(uow, items)
    verdicts = [batch.judge(number) for number in range(len(items))]
    lost = store_keys(uow, batch.seller, batch.new)
    for number in lost:
        # Somebody else's batch was counting the same identifier meanwhile, for another entitlement.
        verdicts[number] = UsageResult(items[number].id, "refused", "usage_id_reused")
    kept = [one for one in batch.new if one.number not in lost]
    store_usage(uow, kept)
    tell(uow, batch.terms, batch.periods.by_id, batch.counted, {(one.period.id, one.dimension) for one in kept})
    return verdicts


class _Batch:
    """What is known of a batch once everything that it may count to is locked."""

    def __init__(self, uow: UnitOfWork, items: Sequence[UsageIn]) -> None:
        self.items = items
        self.seller = uow.principal.organization()
        self.ids = [named_id(self.seller, item.id) for item in items]
        self.terms = {
            one.entitlement_id: one
            for one in usage_terms(uow, {item.entitlement_id for item in items}).values()
            if one.seller_org_id == self.seller
        }
        buyers = {one.buyer_org_id for one in self.terms.values()}
        if len(buyers) == 1:
            # Usage of a test organization is sent in batches of its own.
            enter_time_of(uow, *buyers)
        self.now = clock.now()
        corrected = {named_id(self.seller, item.corrects) for item in items if item.corrects is not None}
        self.originals: dict[UUID, Original] = read_originals(uow, self.seller, corrected)
        self.periods: OpenPeriods = lock_periods(
            uow, self._wanted(), {one.period_id for one in self.originals.values()}
        )
        if corrected:
            # What is left of them may have changed while others held the lock.
            self.originals = read_originals(uow, self.seller, corrected)
        self.counted: Counted = read_counted(uow, self.seller, self.ids, list(self.periods.by_id), list(self.terms))
        self.new: list[NewUsage] = []

    def _wanted(self) -> Iterable[tuple[UsageTerms, datetime]]:
        for item in self.items:
            terms = self.terms.get(item.entitlement_id)
            if terms is not None and terms.valid_from is not None and self._in_window(item):
                yield terms, item.time

    def _in_window(self, item: UsageIn) -> bool:
        return self.now - BACK <= item.time <= self.now + AHEAD

    def judge(self, number: int) -> UsageResult:
        """Whether one event counts; in order, so that each sees what those before it have left."""
        item, key, content = self.items[number], self.ids[number], self.items[number].digest()
        before = self.counted.keys.get(key)
        if before is not None:
            if before == content:
                return UsageResult(item.id, "duplicate")
            return UsageResult(item.id, "refused", "usage_id_reused")
        try:
            terms = self._terms_of(item)
            original = self._corrected(item) if item.corrects is not None else None
            period = self._period(terms, item, original)
            self._count(terms, item, period)
        except _Refused as refused:
            return UsageResult(item.id, "refused", refused.code, refused.params)
        day: date = original.day if original is not None else item.time.astimezone(UTC).date()
        corrects_id = original.id if original is not None else None
        if original is not None:
            original.left += item.quantity
        else:
            self.originals[key] = Original(key, period.id, item.dimension, day, item.quantity)
        self.counted.keys[key] = content
        self.new.append(
            NewUsage(number, key, content, item.time, period, item.dimension, item.quantity, item.id, corrects_id, day)
        )
        return UsageResult(item.id, "accepted")

    def _terms_of(self, item: UsageIn) -> UsageTerms:
        terms = self.terms.get(item.entitlement_id)
        if terms is None:
            raise _Refused("usage_entitlement_unknown")
        counted = terms.counts(item.dimension)
        if counted is None:
            raise _Refused("usage_dimension_unknown", dimension=item.dimension)
        if item.unit is not None and not counted.is_counted_in(item.dimension, item.unit):
            raise _Refused("usage_unit_wrong", unit=item.unit, expected=counted.unit(item.dimension))
        if item.time > self.now + AHEAD:
            raise _Refused("usage_time_ahead")
        if item.time < self.now - BACK:
            raise _Refused("usage_time_too_old")
        if terms.valid_from is None or item.time < terms.valid_from:
            raise _Refused("usage_entitlement_not_begun")
        if terms.valid_to is not None and item.time >= terms.valid_to:
            raise _Refused("usage_entitlement_ended")
        if item.quantity == 0 or abs(item.quantity) > MAX_QUANTITY or item.quantity % GRAIN:
            raise _Refused("usage_quantity_invalid")
        if (item.quantity < 0) != (item.corrects is not None):
            raise _Refused("usage_negative" if item.quantity < 0 else "usage_correction_positive")
        return terms

    def _corrected(self, item: UsageIn) -> Original:
        original = self.originals.get(named_id(self.seller, item.corrects or ""))
        period = self.periods.by_id.get(original.period_id) if original is not None else None
        if original is None or period is None or original.dimension != item.dimension:
            raise _Refused("usage_corrected_unknown")
        if period.entitlement_id != item.entitlement_id:
            raise _Refused("usage_corrected_unknown")
        if original.left + item.quantity < 0:
            raise _Refused("usage_correction_too_large")
        return original

    def _period(self, terms: UsageTerms, item: UsageIn, original: Original | None) -> UsagePeriod:
        period = self.periods.by_id.get(original.period_id) if original else self.periods.of(terms, item.time)
        if period is None or not takes(period):
            raise _Refused("usage_period_closed")
        if item.dimension not in terms.by_id(period.terms_id).price.metered:
            # Counted at another price than the period's: before the plan was changed, or since.
            raise _Refused("usage_dimension_unknown", dimension=item.dimension)
        return period

    def _count(self, terms: UsageTerms, item: UsageIn, period: UsagePeriod) -> None:
        sums, place = self.counted.sums, (period.id, item.dimension)
        total = sums.get(place, Decimal(0)) + item.quantity
        cap = self.counted.caps.get((terms.entitlement_id, item.dimension))
        if cap is not None and cap.kind == "hard" and item.quantity > 0 and total > cap.quantity:
            raise _Refused("usage_cap_reached", dimension=item.dimension)
        if total > MAX_QUANTITY:
            raise _Refused("usage_quantity_invalid")
        sums[place] = total
