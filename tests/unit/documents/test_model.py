"""A document that exists adds up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.documents.lines import DocumentLine, TaxCategory, TaxSubtotal, tax_breakdown, unit_price_of
from billing.documents.model import DocumentKind
from billing.documents.parties import DocumentParty, Period
from kernel.errors import Invalid
from kernel.money import round_decimal
from tests.sample_documents import (
    chinese_invoice,
    credit_note,
    excluded_line,
    included_line,
    invoice_of,
    seats_line,
    statement,
    untaxed_line,
)

AMOUNTS = st.integers(min_value=1, max_value=10**12)
QUANTITIES = st.decimals(min_value="0.01", max_value="100000", places=2, allow_nan=False)
RATES = st.sampled_from([10_000, 30_000, 60_000, 90_000, 130_000, 190_000, 55_000, 270_000])


@st.composite
def lines(draw: st.DrawFn) -> DocumentLine:
    if draw(st.booleans()):
        return included_line("item", draw(AMOUNTS), str(draw(QUANTITIES)), draw(RATES))
    return excluded_line("item", draw(AMOUNTS), draw(RATES))


class TestLine:
    @given(AMOUNTS, QUANTITIES, RATES)
    def test_a_price_that_includes_tax_always_makes_a_line(self, gross: int, quantity: Decimal, rate: int) -> None:
        line = included_line("item", gross, str(quantity), rate)
        assert line.net_minor + line.tax_minor == line.gross_minor == gross
        assert round_decimal(line.unit_price_minor * line.quantity) == line.net_minor

    @given(AMOUNTS, st.integers(min_value=1, max_value=10**6))
    def test_unit_price_is_the_shortest_that_rounds_back(self, net: int, quantity: int) -> None:
        price = unit_price_of(net, Decimal(quantity))
        assert round_decimal(price * quantity) == net
        digits = -int(price.as_tuple().exponent)
        if digits:
            coarser = price.quantize(Decimal(1).scaleb(1 - digits))
            assert round_decimal(coarser * quantity) != net

    def test_a_reduction_has_a_negative_quantity_and_a_positive_price(self) -> None:
        line = included_line("proration", -1060, "-1")
        assert (line.net_minor, line.unit_price_minor) == (-1000, Decimal(1000))

    @pytest.mark.parametrize(
        ("net", "quantity", "price"),
        [
            (0, "3", "0"),
            (0, "-3", "0"),
            (1_000, "3", "333.3"),
            (-1_000, "-3", "333.3"),
            (1_000, "0.25", "4000"),
            # Thirteen digits after the point, as many as there may be.
            (1, "1E13", "1E-13"),
        ],
    )
    def test_the_price_of_one(self, net: int, quantity: str, price: str) -> None:
        assert unit_price_of(net, Decimal(quantity)) == Decimal(price)

    @pytest.mark.parametrize(
        ("net", "quantity", "code", "field"),
        [
            (1, "0", "document_quantity_zero", "quantity"),
            (-1, "2", "document_price_negative", "unit_price_minor"),
            (1, "-2", "document_price_negative", "unit_price_minor"),
            (1, "1E14", "document_quantity_too_large", "quantity"),
        ],
    )
    def test_what_has_no_price_of_one_is_refused(self, net: int, quantity: str, code: str, field: str) -> None:
        with pytest.raises(Invalid) as refusal:
            unit_price_of(net, Decimal(quantity))
        assert (refusal.value.code, refusal.value.field) == (code, field)

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"quantity": Decimal(0)}, "document_quantity_zero"),
            ({"quantity": Decimal("NaN")}, "document_quantity_zero"),
            ({"quantity": Decimal(19)}, "document_line_net_differs"),
            ({"quantity": Decimal(10) ** 10}, "document_quantity_too_large"),
            ({"unit_price_minor": Decimal(-1)}, "document_price_negative"),
            ({"unit_price_minor": Decimal(18774)}, "document_line_net_differs"),
            ({"gross_minor": 398_001}, "document_line_gross_differs"),
            ({"tax_minor": 22_530, "gross_minor": 398_002}, "document_tax_contradicts_rate"),
            ({"tax_category": TaxCategory.ZERO}, "document_rate_contradicts_category"),
            ({"tax_rate_ppm": 0}, "document_rate_contradicts_category"),
            ({"tax_rate_ppm": 130_000}, "document_tax_contradicts_rate"),
            ({"unit_code": "XYZ"}, "document_unit_unknown"),
            ({"name": "\x00 \u202e"}, "document_line_needs_name"),
        ],
    )
    def test_refuses_what_does_not_add_up(self, change: dict[str, Any], code: str) -> None:
        with pytest.raises(Invalid) as refusal:
            replace(seats_line(), **change)
        assert refusal.value.code == code


class TestInvoice:
    @given(st.lists(lines(), min_size=1, max_size=12))
    def test_breakdown_and_totals_are_the_sums_of_the_lines(self, items: list[DocumentLine]) -> None:
        document = invoice_of(*items)
        for field in ("net_minor", "tax_minor", "gross_minor"):
            total = sum(getattr(line, field) for line in items)
            assert getattr(document, field) == total
            assert sum(getattr(subtotal, field) for subtotal in document.breakdown) == total
        keys = [(subtotal.category, subtotal.rate_ppm) for subtotal in document.breakdown]
        assert len(keys) == len(set(keys))

    def test_the_breakdown_has_the_highest_rate_first_and_the_first_reason_given(self) -> None:
        breakdown = tax_breakdown(
            [
                untaxed_line("a", TaxCategory.EXEMPT, 100),
                untaxed_line("b", TaxCategory.EXEMPT, 200, exemption_reason="exempt by law"),
                untaxed_line("c", TaxCategory.EXEMPT, 400, exemption_reason="another"),
                excluded_line("d", 1_000, 60_000),
                untaxed_line("e", TaxCategory.ZERO, 800),
                excluded_line("f", 1_000, 130_000),
                excluded_line("g", 2_000, 60_000),
            ]
        )
        assert breakdown == (
            TaxSubtotal(TaxCategory.STANDARD, 130_000, 1_000, 130, 1_130, ""),
            TaxSubtotal(TaxCategory.STANDARD, 60_000, 3_000, 180, 3_180, ""),
            TaxSubtotal(TaxCategory.ZERO, 0, 800, 0, 800, ""),
            TaxSubtotal(TaxCategory.EXEMPT, 0, 700, 0, 700, "exempt by law"),
        )

    @given(st.lists(lines(), min_size=1, max_size=5), st.sampled_from(["net_minor", "tax_minor", "gross_minor"]))
    def test_a_total_one_unit_off_is_refused(self, items: list[DocumentLine], field: str) -> None:
        document = invoice_of(*items)
        with pytest.raises(Invalid, match="document_total_differs"):
            replace(document, **{field: getattr(document, field) + 1})

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"lines": (), "net_minor": 0, "tax_minor": 0, "gross_minor": 0}, "document_line_count"),
            ({"number": " "}, "document_needs_number"),
            ({"currency": "XQZ"}, "currency_unknown"),
            ({"paid_minor": 454_501}, "document_paid_out_of_range"),
            ({"paid_minor": -1}, "document_paid_out_of_range"),
            ({"kind": DocumentKind.CREDIT_NOTE}, "credit_note_needs_original"),
            ({"verification_url": "javascript:alert(1)"}, "verification_url_not_http"),
            ({"remarks": "字" * 2001}, "document_text_too_long"),
        ],
    )
    def test_refusals(self, change: dict[str, Any], code: str) -> None:
        with pytest.raises(Invalid) as refusal:
            replace(chinese_invoice(), **change)
        assert refusal.value.code == code

    def test_an_invoice_has_no_original(self) -> None:
        with pytest.raises(Invalid, match="credit_note_needs_original"):
            replace(chinese_invoice(), original=credit_note().original)

    def test_a_document_that_would_pay_the_buyer_is_a_credit_note(self) -> None:
        with pytest.raises(Invalid, match="document_total_negative"):
            invoice_of(included_line("reduction", -1060, "-1"), paid_minor=0)

    def test_out_of_scope_does_not_mix(self) -> None:
        with pytest.raises(Invalid, match="document_mixes_out_of_scope"):
            invoice_of(seats_line(), untaxed_line("deposit", TaxCategory.OUT_OF_SCOPE, 100))


class TestParty:
    @pytest.mark.parametrize(
        ("country", "tax_id", "is_vat"),
        [
            ("DE", "DE136695976", True),
            ("GR", "EL094259216", True),
            ("CN", "91330106MA2CFGXR8U", False),
            ("FR", "40303265045", False),
        ],
    )
    def test_vat_ids_are_known_by_country_and_prefix(self, country: str, tax_id: str, *, is_vat: bool) -> None:
        assert DocumentParty(legal_name="x", country=country, tax_id=tax_id).has_vat_id is is_vat

    def test_names_lose_what_deceives_or_breaks_xml(self) -> None:
        party = DocumentParty(
            legal_name=" A\x00B\u202eC\ud800\ufffe\tD ", country="CN", address_lines=("", "\u200b", "x")
        )
        assert party.legal_name == "ABC D"
        assert party.address_lines == ("x",)

    def test_country_is_iso(self) -> None:
        with pytest.raises(Invalid, match="document_country_not_iso"):
            DocumentParty(legal_name="x", country="china")


def test_period_is_shown_with_both_ends() -> None:
    assert Period.from_half_open(date(2026, 1, 31), date(2026, 3, 1)).last_on == date(2026, 2, 28)
    with pytest.raises(Invalid, match="document_period_reversed"):
        Period.from_half_open(date(2026, 1, 1), date(2026, 1, 1))


class TestStatement:
    @pytest.mark.parametrize(
        "field",
        [
            "gross_minor",
            "refunds_minor",
            "commission_minor",
            "promoter_minor",
            "commission_tax_minor",
            "adjustments_minor",
        ],
    )
    def test_every_column_is_the_sum_of_its_lines(self, field: str) -> None:
        closed = statement()
        with pytest.raises(Invalid, match="statement_total_differs"):
            replace(closed, **{field: getattr(closed, field) + 1, "net_minor": closed.net_minor + 1})

    @pytest.mark.parametrize("field", ["net_minor", "carry_over_minor"])
    def test_net_is_carry_over_and_all_columns(self, field: str) -> None:
        closed = statement()
        with pytest.raises(Invalid, match="statement_net_differs"):
            replace(closed, **{field: getattr(closed, field) + 1})

    def test_a_line_adds_up(self) -> None:
        line = statement().lines[0]
        with pytest.raises(Invalid, match="statement_line_net_differs"):
            replace(line, net_minor=line.net_minor - 1)

    def test_a_period_without_orders_carries_over(self) -> None:
        empty = statement(0)
        assert empty.net_minor == empty.carry_over_minor == -12_000
