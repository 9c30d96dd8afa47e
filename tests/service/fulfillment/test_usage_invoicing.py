"""What is asked for a closed period: what it was rated at, less credits, once; credits never take more than that."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from fulfillment.usage.challenges import AnswerChallenge, answer_challenge, challenge_line
from fulfillment.usage.close_period import rate_period
from fulfillment.usage.invoice_period import invoice_period
from fulfillment.usage.models import UsageChallenge, UsageLine, UsagePeriod
from kernel.db.uow import UnitOfWork
from marketplace.pricing.components import Commitment
from marketplace.pricing.engine import price_usage
from tests.factories_marketplace import acting
from tests.factories_usage import PRICE, make_metered, report, usage
from tests.service.fulfillment.test_usage import over

COMMITTED = PRICE.model_copy(
    update={"components": (*PRICE.components, Commitment(kind="commitment", amount_minor=40, overage_ppm=900_000))}
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    used=st.lists(
        st.tuples(st.integers(0, 4_000), st.integers(0, 100)),
        min_size=1,
        max_size=5,
    ),
    committed=st.booleans(),
)
def test_what_is_asked_for_and_what_is_credited_is_what_was_rated(
    uow: UnitOfWork, noon: datetime, used: list[tuple[int, int]], *, committed: bool
) -> None:
    price = COMMITTED if committed else PRICE
    made = make_metered(uow, price)
    asked, rated = 0, 0
    for quantity, percent in used:
        report(uow, made, usage(made, quantity + 1))
        period = over(uow, made)
        whole = price_usage(price, {"calls": quantity + 1, "gb_days": 0}).amount_minor
        found = invoice_period(uow, period.id)
        assert invoice_period(uow, period.id) is None
        left = 0 if found is None else found.amount_minor
        assert whole == left + period.credited_minor
        assert period.state == ("invoiced" if left else "closed")
        if found is not None:
            assert sum(line.amount_minor for line in found.lines) == found.amount_minor > 0
        asked, rated = asked + left, rated + whole
        line = uow.session.scalars(
            select(UsageLine).where(UsageLine.period_id == period.id, UsageLine.dimension == "calls")
        ).one()
        if line.amount_minor:
            with acting(uow, made.buyer.owner):
                challenge_id = challenge_line(uow, line.id, "?")
            with acting(uow, made.seller.owner):
                answer_challenge(uow, AnswerChallenge(challenge_id, line.amount_minor * percent // 100, "!"))
            uow.flush()
    credited = uow.session.scalar(
        select(func.coalesce(func.sum(UsagePeriod.credited_minor), 0)).where(UsagePeriod.entitlement_id == made.id)
    )
    drawn = uow.session.scalar(
        select(func.coalesce(func.sum(UsageChallenge.drawn_minor), 0))
        .join(UsageLine, UsageLine.id == UsageChallenge.line_id)
        .join(UsagePeriod, UsagePeriod.id == UsageLine.period_id)
        .where(UsagePeriod.entitlement_id == made.id)
    )
    assert rated == asked + (credited or 0)
    assert credited == drawn


@given(calls=st.integers(0, 10**9), committed=st.booleans())
def test_a_trial_costs_nothing_whatever_is_used(calls: int, *, committed: bool) -> None:
    price = COMMITTED if committed else PRICE
    rated = rate_period(price, {"calls": Decimal(calls)}, is_trial=True)
    assert rated.amount_minor == 0
    assert {line.code: line.quantity for line in rated.lines}["calls"] == str(calls)
