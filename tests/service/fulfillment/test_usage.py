"""Usage: every event once, in its period, within its cap; rated when its period is over and never again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from fulfillment.provisioning.end_entitlement import end_entitlement
from fulfillment.usage.caps import remove_cap, set_cap
from fulfillment.usage.challenges import AnswerChallenge, answer_challenge, challenge_line, mark_overdue
from fulfillment.usage.check_entitlement import check_entitlement
from fulfillment.usage.close_period import close_period, due_periods
from fulfillment.usage.models import UsageChallenge, UsageDay, UsageEvent, UsageLine, UsagePeriod
from fulfillment.usage.open_periods import AHEAD, BACK
from fulfillment.usage.queries import challenges_to_answer, customers_usage, get_usage
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, DomainError, Invalid, NotFound, TooMany
from kernel.ids import uuid7
from marketplace.pricing.engine import price_usage
from tests.factories_fulfillment import Delivery, events_of
from tests.factories_marketplace import acting, make_org
from tests.factories_usage import PRICE, make_metered, report, usage


def said(uow: UnitOfWork, made: Delivery, *items: Any) -> list[str | None]:
    return [one.code or one.outcome for one in report(uow, made, *items)]


def counted(uow: UnitOfWork, made: Delivery, dimension: str = "calls") -> tuple[Decimal, Decimal]:
    """(what the events say, what the days say), of all periods."""
    periods = select(UsagePeriod.id).where(UsagePeriod.entitlement_id == made.id)
    return tuple(  # type: ignore[return-value]
        uow.session.scalar(
            select(func.coalesce(func.sum(kind.quantity), 0)).where(
                kind.period_id.in_(periods), kind.dimension == dimension
            )
        )
        for kind in (UsageEvent, UsageDay)
    )


def over(uow: UnitOfWork, made: Delivery) -> UsagePeriod:
    """Let the present period end, and close it."""
    period = uow.session.scalars(
        select(UsagePeriod).where(UsagePeriod.entitlement_id == made.id, UsagePeriod.state == "open")
    ).one()
    clock.advance(period.closes_at - clock.now())
    assert period.id in due_periods(uow, 10_000)
    assert close_period(uow, period.id)
    uow.flush()
    return period


def test_each_event_counts_once_for_ever(uow: UnitOfWork, noon: datetime) -> None:
    made = make_metered(uow)
    item = usage(made, "2.5")
    assert said(uow, made, item, item, usage(made, 3)) == ["accepted", "duplicate", "accepted"]
    assert said(uow, made, item) == ["duplicate"]
    clock.advance(timedelta(days=200))
    assert said(uow, made, item) == ["duplicate"]
    assert said(uow, made, replace(item, quantity=Decimal("2.50"))) == ["duplicate"]
    assert said(uow, made, replace(item, quantity=Decimal(2))) == ["usage_id_reused"]
    assert counted(uow, made) == (Decimal("5.5"), Decimal("5.5"))


def test_two_sellers_may_use_the_same_identifier(uow: UnitOfWork, noon: datetime) -> None:
    one, other = make_metered(uow), make_metered(uow)
    assert said(uow, one, usage(one, id="1")) == ["accepted"]
    assert said(uow, other, usage(other, id="1")) == ["accepted"]


def test_what_cannot_be_counted_is_refused_by_itself(uow: UnitOfWork, noon: datetime) -> None:
    made, other = make_metered(uow), make_metered(uow)
    clock.advance(timedelta(days=40))
    good = usage(made, 10, id="good")
    odd = [
        good,
        usage(other),
        usage(made, entitlement_id=uuid7()),
        usage(made, dimension="minutes"),
        usage(made, unit="CNY"),
        usage(made, unit="calls"),
        usage(made, dimension="gb_days", unit="GB·d"),
        usage(made, at=clock.now() + AHEAD + timedelta(seconds=1)),
        usage(made, at=clock.now() + AHEAD),
        usage(made, at=clock.now() - BACK - timedelta(seconds=1)),
        usage(made, at=clock.now() - BACK),
        usage(made, -1),
        usage(made, 1, corrects="good"),
        usage(made, 0),
        usage(made, "0.0000001"),
        usage(made, 10**16),
        usage(made, -1, corrects="nothing"),
        usage(made, -11, corrects="good"),
        usage(made, -1, corrects="good", dimension="gb_days"),
    ]
    assert said(uow, made, *odd) == [
        "accepted",
        "usage_entitlement_unknown",
        "usage_entitlement_unknown",
        "usage_dimension_unknown",
        "usage_unit_wrong",
        "accepted",
        "accepted",
        "usage_time_ahead",
        "accepted",
        "usage_time_too_old",
        "accepted",
        "usage_negative",
        "usage_correction_positive",
        "usage_quantity_invalid",
        "usage_quantity_invalid",
        "usage_quantity_invalid",
        "usage_corrected_unknown",
        "usage_correction_too_large",
        "usage_corrected_unknown",
    ]
    assert counted(uow, made) == (Decimal(13), Decimal(13))
    # What was refused has left nothing: mended, it counts under the same identifier.
    assert said(uow, made, replace(odd[3], dimension="calls")) == ["accepted"]
    with pytest.raises(TooMany, match="batch_too_large"):
        report(uow, made, *[good] * 1_001)


def test_corrections_never_take_more_than_there_was(uow: UnitOfWork, noon: datetime) -> None:
    made = make_metered(uow)
    assert said(uow, made, usage(made, 10, id="a"), usage(made, -4, id="b", corrects="a")) == ["accepted"] * 2
    assert said(uow, made, usage(made, -7, corrects="a")) == ["usage_correction_too_large"]
    assert said(uow, made, usage(made, -1, corrects="b")) == ["usage_corrected_unknown"]
    assert said(uow, made, usage(made, -6, corrects="a"), usage(made, -1, corrects="a")) == [
        "accepted",
        "usage_correction_too_large",
    ]
    assert counted(uow, made) == (Decimal(0), Decimal(0))
    report(uow, made, usage(made, 5, id="c"))
    over(uow, made)
    assert said(uow, made, usage(made, -1, corrects="c")) == ["usage_period_closed"]


def test_late_usage_counts_to_the_next_period(uow: UnitOfWork, noon: datetime) -> None:
    made = make_metered(uow)
    report(uow, made, usage(made, 1_200))
    first = over(uow, made)
    assert said(uow, made, usage(made, 7, at=first.ends_at - timedelta(hours=1))) == ["accepted"]
    late = uow.session.scalars(select(UsageEvent).where(UsageEvent.quantity == 7)).one()
    assert late.period_id != first.id
    assert close_period(uow, first.id) is False
    lines = uow.session.scalars(select(UsageLine).where(UsageLine.period_id == first.id)).all()
    assert {(line.dimension, line.quantity, line.amount_minor) for line in lines} == {
        ("calls", Decimal(1_200), 50),
        ("gb_days", Decimal(0), 0),
    }
    assert first.amount_minor == 50


def test_an_ended_entitlement_counts_until_its_end(uow: UnitOfWork, noon: datetime) -> None:
    made = make_metered(uow)
    clock.advance(timedelta(days=3))
    end_entitlement(uow, made.id, reason="refunded")
    clock.advance(timedelta(hours=1))
    before = clock.now() - timedelta(days=1)
    assert said(uow, made, usage(made), usage(made, at=before)) == ["usage_entitlement_ended", "accepted"]
    over(uow, made)
    assert said(uow, made, usage(made, at=before)) == ["usage_period_closed"]


def test_a_hard_cap_stops_and_the_check_says_so(uow: UnitOfWork, noon: datetime) -> None:
    made = make_metered(uow)
    with acting(uow, made.buyer.owner):
        set_cap(uow, made.id, "calls", "hard", Decimal(10))
    assert said(uow, made, usage(made, 8), usage(made, 3), usage(made, 2)) == [
        "accepted",
        "usage_cap_reached",
        "accepted",
    ]
    with acting(uow, made.seller.owner):
        assert check_entitlement(uow, made.id).capped == ("calls",)
    assert said(uow, made, usage(made)) == ["usage_cap_reached"]
    with acting(uow, made.buyer.owner):
        set_cap(uow, made.id, "calls", "soft", Decimal(10))
        assert check_entitlement(uow, made.id).capped == ()
    assert said(uow, made, usage(made)) == ["accepted"]
    with acting(uow, made.buyer.owner):
        remove_cap(uow, made.id, "calls")
        with pytest.raises(Invalid, match="usage_dimension_unknown"):
            set_cap(uow, made.id, "minutes", "hard", Decimal(1))
        with pytest.raises(Invalid, match="usage_cap_invalid"):
            set_cap(uow, made.id, "calls", "hard", Decimal(-1))
    with acting(uow, made.seller.owner), pytest.raises(NotFound):
        set_cap(uow, made.id, "calls", "hard", Decimal(1))


def test_the_buyer_is_told_once_of_each_threshold(uow: UnitOfWork, noon: datetime) -> None:
    made = make_metered(uow)
    report(uow, made, usage(made, 499))
    period = uow.session.scalars(select(UsagePeriod).where(UsagePeriod.entitlement_id == made.id)).one()
    topic = "fulfillment.usage_alerted.v1"
    told = [events_of(uow, period.id).count(topic)]
    for quantity in (1, 1, 400, 99, 1):
        report(uow, made, usage(made, quantity))
        told.append(events_of(uow, period.id).count(topic))
    assert told == [0, 1, 1, 2, 3, 3]


def test_both_sides_see_it_at_once(uow: UnitOfWork, noon: datetime) -> None:
    made = make_metered(uow)
    report(uow, made, usage(made, 1_600), usage(made, 100, dimension="gb_days"))
    for who in (made.buyer.owner, made.seller.owner):
        with acting(uow, who):
            found = get_usage(uow, made.id)
        assert [(one.dimension, one.quantity, one.amount_minor, one.percent) for one in found.dimensions] == [
            ("calls", Decimal(1_600), 135, 160),
            ("gb_days", Decimal(100), 0, None),
        ]
        assert found.amount_minor == 135
    with acting(uow, made.seller.owner):
        assert [(one.buyer_org_id, one.dimension, one.quantity) for one in customers_usage(uow, made.buyer.id)] == [
            (made.buyer.id, "calls", Decimal(1_600)),
            (made.buyer.id, "gb_days", Decimal(100)),
        ]
    with acting(uow, make_org(uow).owner), pytest.raises(NotFound):
        get_usage(uow, made.id)


def test_a_line_is_questioned_once_and_answered_once(uow: UnitOfWork, noon: datetime) -> None:
    made = make_metered(uow)
    report(uow, made, usage(made, 1_400))
    period = over(uow, made)
    line = uow.session.scalars(
        select(UsageLine).where(UsageLine.period_id == period.id, UsageLine.dimension == "calls")
    ).one()
    with acting(uow, make_org(uow).owner), pytest.raises(NotFound):
        challenge_line(uow, line.id, "?")
    with acting(uow, made.buyer.owner):
        with pytest.raises(Invalid, match="text_required"):
            challenge_line(uow, line.id, "  ")
        challenge_id = challenge_line(uow, line.id, "我们这个月停用了一周。")
        with pytest.raises(Conflict, match="usage_line_challenged"), uow.session.begin_nested():
            _again(uow, line)
        with pytest.raises(NotFound):
            answer_challenge(uow, AnswerChallenge(challenge_id, 0, "不"))
    clock.advance(timedelta(days=10))
    assert mark_overdue(uow, challenge_id)
    assert not mark_overdue(uow, challenge_id)
    with acting(uow, made.seller.owner):
        assert [one.id for one in challenges_to_answer(uow)] == [challenge_id]
        with pytest.raises(Invalid, match="usage_credit_invalid"):
            answer_challenge(uow, AnswerChallenge(challenge_id, 101, "退"))
        answer_challenge(uow, AnswerChallenge(challenge_id, 40, "退 0.40"))
        with pytest.raises(Conflict, match="usage_challenge_answered"):
            answer_challenge(uow, AnswerChallenge(challenge_id, 40, "退 0.40"))
        assert challenges_to_answer(uow) == []
    row = uow.session.get_one(UsageChallenge, challenge_id, populate_existing=True)
    assert (row.state, row.credit_minor) == ("corrected", 40)


def _again(uow: UnitOfWork, line: UsageLine) -> None:
    from sqlalchemy.exc import IntegrityError

    from kernel.db.constraints import translate

    try:
        challenge_line(uow, line.id, "再问一次")
    except IntegrityError as error:
        found: DomainError | None = translate(error)
        assert found is not None
        raise found from error


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    parts=st.lists(
        st.tuples(st.sampled_from(["calls", "gb_days"]), st.decimals("0.000001", "9999", places=6)),
        min_size=1,
        max_size=30,
    ),
    cut=st.integers(0, 30),
)
def test_what_was_accepted_is_what_is_rated(
    uow: UnitOfWork, noon: datetime, parts: list[tuple[str, Decimal]], cut: int
) -> None:
    made = make_metered(uow)
    items = [usage(made, quantity, dimension=dimension) for dimension, quantity in parts]
    assert set(said(uow, made, *items[:cut])) <= {"accepted"}
    assert set(said(uow, made, *items)) <= {"accepted", "duplicate"}
    whole = {name: sum((q for d, q in parts if d == name), Decimal(0)) for name in ("calls", "gb_days")}
    for name, quantity in whole.items():
        assert counted(uow, made, name) == (quantity, quantity)
    with acting(uow, made.buyer.owner):
        assert get_usage(uow, made.id).amount_minor == price_usage(PRICE, whole).amount_minor
