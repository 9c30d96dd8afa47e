"""Rules of a share policy: the most specific wins in the stated order, and what a version must have."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.shares.rules import (
    CATEGORIES,
    DEAL_TYPES,
    MOST_RULES,
    SPECIFICITY,
    PolicyRule,
    Sale,
    choose,
    require_rules,
    require_whole,
)
from kernel.errors import Invalid
from kernel.money import PPM
from orders.share_policy.simulate import last_quarter

IDS = [UUID(int=number) for number in range(1, 4)]
WHOLE = tuple(PolicyRule(category, 150_000, 50_000, 7) for category in CATEGORIES)


@st.composite
def rules(draw: st.DrawFn) -> PolicyRule:
    commission = draw(st.integers(0, PPM))
    named = st.none() | st.sampled_from(IDS)
    return PolicyRule(
        draw(st.sampled_from(CATEGORIES)),
        commission,
        draw(st.integers(0, PPM - commission)),
        draw(st.integers(0, 180)),
        draw(named),
        draw(named),
        draw(named),
        draw(st.none() | st.sampled_from(DEAL_TYPES)),
    )


@st.composite
def sales(draw: st.DrawFn) -> tuple[Sale, UUID | None]:
    one = st.sampled_from(IDS)
    sale = Sale(
        draw(st.sampled_from(CATEGORIES)), draw(one), draw(one), UUID(int=9), draw(st.sampled_from(["new", "renewal"]))
    )
    return sale, draw(st.none() | one)


@given(st.lists(rules(), max_size=12), sales())
def test_what_is_chosen_is_for_the_sale_and_nothing_more_specific_is(
    given_rules: list[PolicyRule], sold: tuple[Sale, UUID | None]
) -> None:
    sale, channel_id = sold
    known: dict[str, object] = {
        "listing_id": sale.listing_id,
        "seller_id": sale.seller_org_id,
        "channel_id": channel_id,
    }
    known |= {"deal_type": sale.deal_type}

    def fits(rule: PolicyRule) -> bool:
        return rule.category == sale.category and all(
            getattr(rule, name) in {None, known[name]} for name in SPECIFICITY
        )

    def weight(rule: PolicyRule) -> int:
        """The stated order, as a number in which each name weighs more than all after it."""
        return sum(2 ** (3 - place) for place, name in enumerate(SPECIFICITY) if getattr(rule, name) is not None)

    chosen = choose(given_rules, sale, channel_id)
    assert (chosen is None) == (not any(map(fits, given_rules)))
    if chosen is not None:
        assert fits(chosen)
        assert weight(chosen) == max(weight(rule) for rule in given_rules if fits(rule))


def test_the_order_is_listing_seller_channel_deal() -> None:
    listing, seller, channel = IDS
    sale = Sale("saas", listing, seller, UUID(int=9), "renewal")
    values: dict[str, Any] = dict(zip(SPECIFICITY, (listing, seller, channel, "renewal"), strict=True))
    every = [
        replace(
            WHOLE[0],
            hold_days=place,
            **{name: values[name] for name, named in zip(SPECIFICITY, on, strict=True) if named},
        )
        for place, on in enumerate(product((False, True), repeat=4))
    ]
    # From all of them down: whichever is left, the one that names the listing wins, then the seller, and so on.
    for most in range(len(every), 0, -1):
        chosen = choose(every[:most], sale, channel)
        assert chosen is every[most - 1]


@given(rules())
def test_a_rule_is_read_as_it_was_stored(rule: PolicyRule) -> None:
    assert PolicyRule.read(rule.stored()) == rule


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"category": "books"}, "share_rule_invalid"),
        ({"deal_type": "gift"}, "share_rule_invalid"),
        ({"commission_ppm": 960_000}, "share_rates_exceed_line"),
        ({"promoter_ppm": -1}, "share_rates_exceed_line"),
        ({"hold_days": 181}, "share_hold_invalid"),
        ({"hold_days": -1}, "share_hold_invalid"),
    ],
)
def test_what_no_rule_may_say(change: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        require_rules([replace(WHOLE[0], **change)])
    assert refused.value.code == code


def test_what_no_version_may_be() -> None:
    require_whole(WHOLE)
    own = replace(WHOLE[0], seller_id=IDS[0], commission_ppm=0)
    require_whole([*WHOLE, own])
    for given_rules, code in (
        ([*WHOLE, own, replace(own, hold_days=1)], "share_rules_repeat"),
        ([own, WHOLE[1]], "share_rules_incomplete"),
        ([WHOLE[0]], "share_rules_incomplete"),
        ([replace(own, seller_id=UUID(int=n + 1)) for n in range(MOST_RULES + 1)], "share_rules_too_many"),
    ):
        with pytest.raises(Invalid) as refused:
            require_whole(given_rules)
        assert refused.value.code == code


@given(st.dates(date(2000, 1, 1), date(2100, 12, 31)))
def test_the_last_quarter_is_whole_and_over(today: date) -> None:
    starts_on, ends_on = last_quarter(today)
    assert ends_on <= today < ends_on + timedelta(days=93)
    assert (starts_on.day, ends_on.day, starts_on.month % 3, ends_on.month % 3) == (1, 1, 1, 1)
    assert 89 < (ends_on - starts_on).days < 93
