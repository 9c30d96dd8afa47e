"""Tax of many lines in a currency without a minor unit: what the invoice says of a rate is that rate of its net."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from billing.documents.en16931 import en16931_violation
from billing.documents.lines import DocumentLine, TaxCategory, unit_price_of
from billing.tax.decision import TaxDecision
from billing.tax.group_tax import tax_by_group
from billing.tax.line_amounts import LineAmounts, line_amounts
from kernel.money import PPM, apply_ppm, net_of_included
from tests.sample_documents import SELLER_DE, invoice_of

LINES = st.lists(st.integers(1, 10**7), min_size=1, max_size=60)
RATES = st.sampled_from([10_000, 55_000, 60_000, 80_000, 100_000, 130_000, 190_000, 255_000])


def priced(amounts: list[int], rate_ppm: int, *, included: bool) -> list[LineAmounts]:
    decision = TaxDecision(rate_ppm, "", "S", included)
    return [line_amounts(amount, 0, decision) for amount in amounts]


@given(LINES, RATES, st.booleans())
def test_together_they_bear_what_their_sum_bears(amounts: list[int], rate_ppm: int, included: bool) -> None:  # noqa: FBT001 - drawn
    own = priced(amounts, rate_ppm, included=included)
    found = tax_by_group(own, rate_ppm, included=included)
    net, tax = sum(line.net_minor for line in found), sum(line.tax_minor for line in found)
    if included:
        assert net == net_of_included(sum(amounts), rate_ppm)
        assert [line.gross_minor for line in found] == amounts
    else:
        assert tax == apply_ppm(sum(amounts), rate_ppm)
        assert [line.net_minor for line in found] == amounts
    for line in found:
        assert line.net_minor + line.tax_minor == line.gross_minor
        assert line.tax_minor >= 0
        assert abs(line.tax_minor * PPM - line.net_minor * rate_ppm) < PPM + rate_ppm
    assert tax_by_group(found, rate_ppm, included=included) == found


@given(LINES, RATES, st.booleans())
def test_every_such_invoice_has_its_data(amounts: list[int], rate_ppm: int, included: bool) -> None:  # noqa: FBT001 - drawn
    found = tax_by_group(priced(amounts, rate_ppm, included=included), rate_ppm, included=included)
    lines = [
        DocumentLine(
            name="プラン",
            quantity=Decimal(1),
            unit_price_minor=unit_price_of(line.net_minor, Decimal(1)),
            net_minor=line.net_minor,
            tax_category=TaxCategory.STANDARD,
            tax_rate_ppm=rate_ppm,
            tax_minor=line.tax_minor,
            gross_minor=line.gross_minor,
        )
        for line in found
    ]
    assert en16931_violation(invoice_of(*lines, currency="JPY", seller=SELLER_DE)) is None


def test_twenty_lines_of_five_yen() -> None:
    own = priced([5] * 20, 100_000, included=False)
    assert sum(line.tax_minor for line in own) == 20, "each half a yen is rounded up"
    assert sum(line.tax_minor for line in tax_by_group(own, 100_000, included=False)) == 10
