"""Promotion of a line: whichever plan, chain and caps, its parts add up, and nobody gets more than the line leaves."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.shares.promotion import (
    NOT_CHOSEN,
    PROMOTION,
    OfferedPromotion,
    cap_of_part,
    choose_promotion,
    divide_promotion,
    pin,
    promoted_rate,
)
from billing.shares.split import ShareTerms, Split, reverse_parts, split
from kernel.ids import uuid7
from kernel.money import PPM

PROMOTER, DISTRIBUTOR, SERVICE, BUYER = (uuid7() for _ in range(4))
MONEY = st.integers(0, 10**12)
RATES = st.tuples(st.integers(0, PPM), st.integers(0, PPM), st.integers(0, PPM), st.integers(0, PPM)).map(
    lambda r: (r[0], min(r[1], PPM - r[0]), r[2], r[3])
)


def offered(kind: str = "general", rate_ppm: int = 100_000, **more: object) -> OfferedPromotion:
    return OfferedPromotion(uuid7(), kind, rate_ppm, **more)  # type: ignore[arg-type]


def chain_of(rate_ppm: int, distributor_ppm: int, service_ppm: int) -> tuple[int, int]:
    distributor = min(distributor_ppm, rate_ppm)
    return distributor, min(service_ppm, rate_ppm - distributor)


@given(MONEY, MONEY, RATES, st.none() | MONEY)
def test_five_parties_add_up_to_the_line_and_none_is_negative(
    net: int, tax: int, rates: tuple[int, int, int, int], cap: int | None
) -> None:
    commission_ppm, promotion_ppm, *chain = rates
    parts = split(net, tax, ShareTerms(1, commission_ppm, promotion_ppm, 7), cap)
    divided = divide_promotion(parts.promoter_minor, promotion_ppm, *chain_of(promotion_ppm, *chain))
    assert set(divided) == set(PROMOTION)
    assert parts.seller_minor + parts.commission_minor + sum(divided.values()) == net + tax
    assert min(parts.seller_minor - tax, parts.commission_minor, *divided.values()) >= 0
    assert cap is None or sum(divided.values()) <= cap


@given(MONEY, st.integers(1, PPM), st.integers(0, PPM), st.integers(0, PPM))
def test_each_of_a_chain_is_within_a_cent_of_its_rate(whole: int, rate: int, first: int, second: int) -> None:
    distributor, service = chain_of(rate, first, second)
    divided = divide_promotion(whole, rate, distributor, service)
    for kind, ppm in zip(PROMOTION, (rate - distributor - service, distributor, service), strict=True):
        assert whole * ppm // rate <= divided[kind] <= -(-whole * ppm // rate)


def test_a_published_chain_of_commissions_is_reproduced() -> None:
    """Of ten the agency keeps four and passes six on, the promoter's side of it two, two, one and one."""
    parts = split(1_000, 0, ShareTerms(1, 400_000, 600_000, 7))
    assert parts == Split(0, 400, 600)
    assert divide_promotion(600, 600_000, 200_000, 200_000) == {
        "promoter": 200,
        "distributor": 200,
        "service_provider": 200,
    }
    assert divide_promotion(100, 300_000, 100_000, 100_000) == {
        "promoter": 34,
        "distributor": 33,
        "service_provider": 33,
    }


@given(st.lists(MONEY, min_size=5, max_size=5), st.lists(st.integers(1, PPM), min_size=1, max_size=6))
def test_partial_refunds_take_from_everybody_exactly_what_they_had(left: list[int], steps: list[int]) -> None:
    had, taken, whole = list(left), [0] * 5, sum(left)
    for step in (*steps, PPM):
        refund = sum(left) if step == PPM else sum(left) * step // PPM
        back = reverse_parts(refund, left)
        assert sum(back) == refund
        assert all(0 <= part <= rest for part, rest in zip(back, left, strict=True))
        left = [rest - part for part, rest in zip(back, left, strict=True)]
        taken = [before + part for before, part in zip(taken, back, strict=True)]
    assert (taken, sum(taken), left) == (had, whole, [0] * 5)
    with pytest.raises(ValueError, match="at most what is left"):
        reverse_parts(1, left)


@given(st.integers(0, PPM), st.integers(0, PPM), st.integers(0, PPM))
def test_a_plan_never_pays_less_than_the_policy_promises_nor_more_than_is_left(
    plan: int, policy: int, fee: int
) -> None:
    policy = min(policy, PPM - fee)
    rate = promoted_rate(plan, policy, fee)
    assert policy <= rate <= PPM - fee
    assert rate in {plan, policy, PPM - fee}


@given(MONEY, st.lists(st.integers(0, 10**9), min_size=1, max_size=8))
def test_parts_of_a_cap_are_together_never_more_than_it(cap: int, parts: list[int]) -> None:
    found = [cap_of_part(cap, part, sum(parts)) for part in parts]
    assert sum(found) <= cap or sum(parts) == 0
    assert cap_of_part(cap, sum(parts), sum(parts)) == cap


class TestChoice:
    def test_the_narrowest_plan_that_names_the_promoter_counts(self) -> None:
        general, targeted = offered(), offered("targeted", promoters=frozenset({PROMOTER}))
        assert choose_promotion([general, targeted], PROMOTER) == (targeted, None)
        assert choose_promotion([general, targeted], SERVICE) == (general, None)
        assert choose_promotion([], PROMOTER) == (None, None)

    def test_an_exclusive_plan_leaves_nothing_to_others(self) -> None:
        exclusive = offered("exclusive", promoters=frozenset({PROMOTER}))
        assert choose_promotion([exclusive, offered()], PROMOTER) == (exclusive, None)
        assert choose_promotion([exclusive, offered()], SERVICE) == (None, NOT_CHOSEN)


class TestChain:
    PLAN = offered(
        rate_ppm=90_000,
        distributor_org_id=DISTRIBUTOR,
        distributor_ppm=20_000,
        service_org_id=SERVICE,
        service_ppm=10_000,
    )

    @pytest.mark.parametrize(
        ("promoter", "excluded", "distributor", "service"),
        [
            (PROMOTER, (), (DISTRIBUTOR, 20_000), (SERVICE, 10_000)),
            (DISTRIBUTOR, (), (None, 0), (SERVICE, 10_000)),
            (PROMOTER, (SERVICE, BUYER), (DISTRIBUTOR, 20_000), (None, 0)),
            (PROMOTER, (SERVICE, DISTRIBUTOR), (None, 0), (None, 0)),
        ],
    )
    def test_nobody_earns_at_its_own_purchase_or_twice(
        self, promoter: UUID, excluded: tuple[UUID, ...], distributor: object, service: object
    ) -> None:
        pinned = pin(self.PLAN, 90_000, promoter, excluded)
        assert (pinned.distributor_org_id, pinned.distributor_ppm) == distributor
        assert (pinned.service_org_id, pinned.service_ppm) == service

    @given(st.integers(0, PPM))
    def test_a_chain_is_never_more_than_what_promotion_gets(self, rate: int) -> None:
        pinned = pin(self.PLAN, rate, PROMOTER, ())
        assert pinned.distributor_ppm + pinned.service_ppm <= rate
