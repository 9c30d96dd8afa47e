"""Real commits from many threads: a batch counts once, a cap holds, and what is closed takes nothing more."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from sqlalchemy import func, select

from fulfillment.usage.caps import set_cap
from fulfillment.usage.close_period import close_period
from fulfillment.usage.models import UsageDay, UsageEvent, UsageLine, UsagePeriod
from fulfillment.usage.record_usage import UsageIn, record_usage
from kernel import clock
from kernel.db.uow import Database, transact, unit_of_work
from kernel.principal import SYSTEM
from tests.factories_fulfillment import Delivery, register
from tests.factories_usage import make_metered, usage
from tests.races.crowd import at_once, in_rounds

pytestmark = pytest.mark.races


@pytest.fixture(autouse=True)
def _jobs() -> None:
    register()


def metered(db: Database) -> Delivery:
    with unit_of_work(db, SYSTEM) as uow:
        return make_metered(uow)


def send(db: Database, made: Delivery, items: list[UsageIn]) -> str:
    verdicts = transact(db, made.seller.owner, lambda uow: record_usage(uow, items))
    told = Counter(one.code or one.outcome for one in verdicts)
    return " ".join(f"{name}={count}" for name, count in sorted(told.items()))


def sums(db: Database, made: Delivery) -> list[Decimal]:
    with unit_of_work(db, SYSTEM) as uow:
        of_it = select(UsagePeriod.id).where(UsagePeriod.entitlement_id == made.id)
        return [
            uow.session.scalar(select(func.coalesce(func.sum(kind.quantity), 0)).where(kind.period_id.in_(of_it)))
            or Decimal()
            for kind in (UsageEvent, UsageDay)
        ]


@in_rounds
def test_the_same_batch_twice_counts_once(db: Database) -> None:
    made = metered(db)
    items = [usage(made, number) for number in range(1, 51)]
    found = at_once([partial(send, db, made, items), partial(send, db, made, items[::-1])])
    assert sorted(found) == ["accepted=50", "duplicate=50"]
    assert sums(db, made) == [Decimal(1_275)] * 2


@in_rounds
def test_an_identifier_is_taken_once_by_two_entitlements(db: Database) -> None:
    made = metered(db)
    with unit_of_work(db, SYSTEM) as uow:
        other = make_metered(uow, seller=made.seller)
    works = [partial(send, db, one, [usage(one, id=f"{made.id}")]) for one in (made, other)]
    assert sorted(at_once(works)) == ["accepted=1", "usage_id_reused=1"]
    assert sorted(sums(db, made) + sums(db, other)) == [0, 0, 1, 1]


@in_rounds
def test_a_cap_holds_against_batches_at_once(db: Database) -> None:
    made = metered(db)
    transact(db, made.buyer.owner, lambda uow: set_cap(uow, made.id, "calls", "hard", Decimal(15)))
    at_once([partial(send, db, made, [usage(made) for _ in range(10)]) for _ in range(4)])
    assert sums(db, made) == [Decimal(15)] * 2


@in_rounds
def test_a_correction_meets_the_closing_of_its_period(db: Database) -> None:
    made = metered(db)
    with clock.frozen(clock.now()):
        send(db, made, [usage(made, 1_400, id=f"{made.id}")])
        with unit_of_work(db, SYSTEM) as uow:
            period = uow.session.scalars(select(UsagePeriod).where(UsagePeriod.entitlement_id == made.id)).one()
        clock.advance(period.closes_at - timedelta(seconds=1) - clock.now())
        # One of the two is a second late: whichever comes first, what is rated is what was counted.
        works = [
            partial(send, db, made, [usage(made, -400, corrects=f"{made.id}")]),
            partial(_close_later, db, period),
        ]
        found = at_once(works)
        _close_later(db, period)
    with unit_of_work(db, SYSTEM) as uow:
        line = uow.session.scalars(
            select(UsageLine).where(UsageLine.period_id == period.id, UsageLine.dimension == "calls")
        ).one()
    corrected = "accepted=1" in found
    assert corrected or "usage_period_closed=1" in found
    assert line.quantity == (1_000 if corrected else 1_400)
    assert line.amount_minor == (0 if corrected else 100)
    assert sums(db, made) == [line.quantity] * 2


def _close_later(db: Database, period: UsagePeriod) -> str:
    clock.advance(timedelta(seconds=1))
    return str(transact(db, SYSTEM, lambda uow: close_period(uow, period.id)))
