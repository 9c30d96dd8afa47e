"""Whatever a term costs, taxed and reduced in whatever way: its instalments add up to it, and each is a document of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.tax.decision import TaxDecision
from billing.tax.line_amounts import line_amounts
from kernel.ids import uuid7
from kernel.money import net_of_included
from marketplace.pricing.components import Flat, PlanPrice
from marketplace.pricing.engine import PriceLine
from orders.checkout.in_instalments import as_whole, in_instalments
from orders.checkout.line_tax import taxed
from orders.checkout.priced_line import PricedLine

NAMES = ("list_minor", "discount_minor", "net_minor", "tax_minor", "gross_minor")


def decision(rate_ppm: int, *, included: bool, home_ppm: int = 0) -> TaxDecision:
    found = TaxDecision(rate_ppm=rate_ppm, category="S", reason_code="x", included=included)
    return replace(found, home_rate_ppm=home_ppm, reduced=home_ppm > 0)


def line(
    amount_minor: int, off_minor: int, parts: int, rate_ppm: int, *, included: bool, home_ppm: int = 0
) -> PricedLine:
    """A term of 60 months at one price; `home_ppm`: of the tax that is taken off it because none is charged."""
    price = PlanPrice(
        currency="CNY",
        interval="month",
        term_months=60,
        components=(Flat(kind="flat", amount_minor=1),),
        instalments=parts,
    )
    amounts = line_amounts(amount_minor, off_minor, decision(rate_ppm, included=included, home_ppm=home_ppm))
    values: dict[str, Any] = dict.fromkeys(
        ("seller_org_id", "listing_id", "listing_version_id", "plan_id"), uuid7()
    ) | dict.fromkeys(("seller_name", "title", "title_en", "plan_name", "plan_name_en"), "x")
    return PricedLine(
        **values,
        plan_code="x",
        features=[],
        pricing="mixed",
        interval="month",
        term_months=60,
        quantity=1,
        currency="CNY",
        unit_price_minor=amount_minor,
        price=price.model_dump(mode="json"),
        price_lines=[PriceLine(kind="flat", amount_minor=amount_minor)],
        taxed_as="software",
        tax_rate_ppm=rate_ppm,
        tax_category="S",
        tax_reason="x",
        tax_included=included,
        untaxed_price="net" if home_ppm else "whole",
        home_rate_ppm=home_ppm,
        kind="saas",
        connector_id=None,
        deadline_s=1,
        refund_window_days=7,
        claims=[],
        **{name: getattr(amounts, name) for name in NAMES},
    )


PARTS = st.sampled_from([n for n in range(1, 61) if 60 % n == 0])


@given(
    amount=st.integers(0, 10**11),
    off=st.integers(0, 1_000_000),
    parts=PARTS,
    rate=st.sampled_from([0, 10_000, 60_000, 130_000, 255_000]),
    included=st.booleans(),
    home=st.sampled_from([0, 60_000, 130_000, 255_000]),
)
def test_the_parts_are_the_term(amount: int, off: int, parts: int, rate: int, included: bool, home: int) -> None:  # noqa: FBT001 - drawn
    home = home if included and not rate else 0
    whole = line(amount, amount * off // 1_000_000, parts, rate, included=included, home_ppm=home)
    first = in_instalments(whole)
    assert as_whole(first) == whole
    if parts == 1 or whole.gross_minor < parts:
        assert first == whole
        return
    assert [one.number for one in first.instalments] == list(range(1, parts + 1))
    assert [one.after_months for one in first.instalments] == [n * (60 // parts) for n in range(parts)]
    assert first.lifetime_minor == whole.gross_minor
    assert sum(one.amount_minor for one in first.price_lines) == first.list_minor
    for name in NAMES:
        figures = [getattr(one, name) for one in first.instalments]
        assert sum(figures) == getattr(whole, name)
        assert min(figures) >= 0
        assert getattr(first, name) == figures[0]
    gross = [one.gross_minor for one in first.instalments]
    assert max(gross) - min(gross) <= 1
    assert gross == sorted(gross, reverse=True)
    for one in first.instalments:
        assert one.gross_minor == one.net_minor + one.tax_minor
        agreed = one.list_minor - one.discount_minor
        if home:
            assert abs(one.gross_minor - net_of_included(agreed, home)) <= 2
        else:
            assert agreed == (one.gross_minor if included else one.net_minor)
        # As far from its rate as one minor unit of rounding, as any document's line may be.
        assert abs(one.tax_minor * 1_000_000 - one.net_minor * rate) <= 2 * (1_000_000 + rate)


@pytest.mark.parametrize("included", [True, False])
def test_taxed_anew_the_whole_is_and_then_its_parts(*, included: bool) -> None:
    whole = line(100_003, 3, 12, 60_000, included=included)
    other = decision(130_000, included=included)
    assert taxed(in_instalments(whole), other) == in_instalments(taxed(whole, other))


def test_taxed_anew_for_whom_no_tax_applies_and_back_nothing_is_lost() -> None:
    """The parts of a price that was reduced still add up to the price with its tax."""
    whole = line(100_003, 3, 12, 60_000, included=True).model_copy(update={"untaxed_price": "net"})
    abroad, home = decision(0, included=True, home_ppm=60_000), decision(60_000, included=True)
    reduced = taxed(in_instalments(whole), abroad)
    assert reduced.lifetime_minor == whole.net_minor
    assert taxed(reduced, home) == in_instalments(whole)
