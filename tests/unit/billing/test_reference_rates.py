"""Foreign-currency tax in national money: by published rates, rounded once, credit notes together as much as their invoice."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.reference_rates.conversion import MOST_AGE, PublishedRate, choose_rates, convert
from billing.reference_rates.read_file import MOST_BYTES, read_rate_file
from billing.tax.accounting_currency import vat_currency
from kernel.money import exponent

DAY = date(2026, 11, 20)
RATES = st.decimals(min_value=Decimal("0.0001"), max_value=Decimal(50000), places=6, allow_nan=False)


def rate(base: str, quote: str, value: str, on: date = DAY, source: str = "ECB") -> PublishedRate:
    return PublishedRate(base, quote, Decimal(value), on, source)


DOLLAR, ZLOTY = rate("EUR", "USD", "1.0873"), rate("EUR", "PLN", "4.2512")


class TestConvert:
    @pytest.mark.parametrize(
        ("minor", "currency", "into", "rates", "found"),
        [
            (10_873, "USD", "EUR", (DOLLAR,), 10_000),
            (10_000, "EUR", "USD", (DOLLAR,), 10_873),
            (10_873, "USD", "PLN", (DOLLAR, ZLOTY), 42_512),
            (1_000, "JPY", "CNY", (rate("JPY", "CNY", "0.0465"),), 4_650),
            (12_345, "KWD", "EUR", (rate("EUR", "KWD", "0.334"),), 3_696),
            (1, "USD", "EUR", (rate("EUR", "USD", "2"),), 1),
            (0, "USD", "EUR", (DOLLAR,), 0),
        ],
    )
    def test_known_amounts(
        self, minor: int, currency: str, into: str, rates: tuple[PublishedRate, ...], found: int
    ) -> None:
        assert convert(minor, currency, into, rates) == found

    @given(st.integers(0, 10**12), RATES, RATES, st.sampled_from(["USD", "JPY", "KWD"]))
    def test_it_is_the_nearest_amount(self, minor: int, first: Decimal, second: Decimal, currency: str) -> None:
        rates = (rate("EUR", currency, str(first)), rate("EUR", "PLN", str(second)))
        exact = Fraction(minor, 10 ** exponent(currency)) * Fraction(second) / Fraction(first) * 100
        assert abs(convert(minor, currency, "PLN", rates) - exact) <= Fraction(1, 2)

    @given(st.lists(st.integers(1, 10**9), min_size=1, max_size=12), RATES)
    def test_what_notes_take_back_is_what_their_invoice_said(self, taxes: list[int], value: Decimal) -> None:
        rates, credited, said = (rate("EUR", "USD", str(value)),), 0, []
        for tax in taxes:
            said.append(convert(credited + tax, "USD", "EUR", rates) - convert(credited, "USD", "EUR", rates))
            credited += tax
        assert sum(said) == convert(sum(taxes), "USD", "EUR", rates)
        assert min(said) >= 0

    def test_rates_that_lead_elsewhere(self) -> None:
        with pytest.raises(ValueError, match="does not lead"):
            convert(100, "USD", "PLN", (DOLLAR,))


class TestChoice:
    def test_the_latest_of_the_day_or_before(self) -> None:
        older, newer = (rate("EUR", "USD", "1.1", DAY - timedelta(days=days)) for days in (3, 1))
        ahead = rate("EUR", "USD", "9", DAY + timedelta(days=1))
        assert choose_rates([older, ahead, newer], "USD", "EUR", DAY) == (newer,)

    def test_too_old_is_none(self) -> None:
        assert choose_rates([rate("EUR", "USD", "1", DAY - MOST_AGE)], "USD", "EUR", DAY) is not None
        old = rate("EUR", "USD", "1", DAY - MOST_AGE - timedelta(days=1))
        assert choose_rates([old], "USD", "EUR", DAY) is None

    def test_through_the_euro_only_where_nobody_quotes_them(self) -> None:
        direct = rate("USD", "PLN", "3.9", DAY - timedelta(days=2), "NBP")
        assert choose_rates([DOLLAR, ZLOTY], "USD", "PLN", DAY) == (DOLLAR, ZLOTY)
        assert choose_rates([DOLLAR, ZLOTY, direct], "USD", "PLN", DAY) == (direct,)
        other_day = rate("EUR", "PLN", "4.25", DAY - timedelta(days=1))
        assert choose_rates([DOLLAR, other_day], "USD", "PLN", DAY) is None

    def test_a_kept_rate_reads_back(self) -> None:
        assert PublishedRate.of_json(DOLLAR.as_json()) == DOLLAR
        assert DOLLAR.in_words() == "EUR 1 = USD 1.0873 (ECB, 2026-11-20)"
        assert rate("JPY", "VND", "100").as_json()["rate"] == "100"


@pytest.mark.parametrize(
    ("country", "on", "currency"),
    [
        ("CN", DAY, "CNY"),
        ("DE", DAY, "EUR"),
        ("MC", DAY, "EUR"),
        ("PL", DAY, "PLN"),
        ("BG", date(2025, 12, 31), "BGN"),
        ("BG", date(2026, 1, 1), "EUR"),
        ("HR", DAY, "EUR"),
        ("US", DAY, None),
    ],
)
def test_whose_currency(country: str, on: date, currency: str | None) -> None:
    assert vat_currency(country, on) == currency


def faults(text: str | bytes, source: str = "ECB") -> list[tuple[int, str]]:
    content = text if isinstance(text, bytes) else text.encode()
    return [(one.line, one.code) for one in read_rate_file(content, source=source, today=DAY).faults]


class TestFile:
    def test_own_columns(self) -> None:
        text = "\ufeffdate,base,quote,rate,source\r\n2026-11-20,USD,CNY,7.0875,PBOC\r\n2026-11-19,eur,usd,1.10,\r\n\r\n"
        found = read_rate_file(text.encode(), source="ecb", today=DAY)
        assert (found.format, found.faults) == ("columns", [])
        assert [one.rate for one in found.rates] == [
            rate("USD", "CNY", "7.0875", source="PBOC"),
            rate("EUR", "USD", "1.1", DAY - timedelta(days=1)),
        ]

    def test_the_banks_own_history(self) -> None:
        text = "Date,USD,JPY,CYP,\n2026-11-20,1.0873,163.21,N/A,\n2007-12-31,1.4721,164.93,0.585274,\n"
        found = read_rate_file(text.encode(), source="", today=DAY)
        assert (found.format, found.faults, found.past, len(found.rates)) == ("ecb", [], 1, 4)
        assert found.rates[0].rate == DOLLAR

    @pytest.mark.parametrize(
        ("text", "code", "line"),
        [
            ("", "rates_head_unknown", 1),
            ("a;b;c", "rates_head_unknown", 1),
            ("date,base,quote,rate\n", "rates_empty", 0),
            ("date,base,quote,rate\n2026-11-20,EUR,USD\n", "rates_columns_differ", 2),
            ("date,base,quote,rate\n20.11.2026,EUR,USD,1\n", "rates_day_unreadable", 2),
            ("date,base,quote,rate\n2026-11-21,EUR,USD,1\n", "rates_day_ahead", 2),
            ("date,base,quote,rate\n2026-11-20,EUR,XXQ,1\n", "rates_currency_unknown", 2),
            ("date,base,quote,rate\n2026-11-20,EUR,EUR,1\n", "rates_same_currency", 2),
            ('date,base,quote,rate\n2026-11-20,EUR,USD,"1,08"\n', "rates_rate_unreadable", 2),
            ("date,base,quote,rate\n2026-11-20,EUR,USD,-1\n", "rates_rate_unreadable", 2),
            ("date,base,quote,rate\n2026-11-20,EUR,USD,NaN\n", "rates_rate_unreadable", 2),
            ("date,base,quote,rate\n2026-11-20,EUR,USD,1e99999\n", "rates_rate_unreadable", 2),
            ("date,base,quote,rate\n2026-11-20,EUR,USD,１.0\n", "rates_rate_unreadable", 2),
            ("date,base,quote,rate\n2026-11-20,EUR,USD,1.0000000000001\n", "rates_rate_too_fine", 2),
            ("date,base,quote,rate,source\n2026-11-20,EUR,USD,1,=cmd\n", "rates_source_unreadable", 2),
            (
                "date,base,quote,rate\n2026-11-20,EUR,USD,1\n2026-11-20,EUR,USD,2\n",
                "rates_said_twice",
                3,
            ),
        ],
    )
    def test_what_is_wrong_is_said_by_its_line(self, text: str, code: str, line: int) -> None:
        assert faults(text) == [(line, code)]

    def test_not_text_and_too_large(self) -> None:
        assert faults("date,base,quote,rate\n汇率".encode("gbk")) == [(0, "rates_not_utf8")]
        assert faults(b"date\0") == [(0, "rates_not_utf8")]
        assert faults(b"x" * (MOST_BYTES + 1)) == [(0, "rates_too_many")]

    def test_no_source_anywhere(self) -> None:
        assert faults("date,base,quote,rate\n2026-11-20,EUR,USD,1\n", source="") == [(2, "rates_source_unreadable")]

    @given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
    def test_never_raises(self, content: bytes) -> None:
        found = read_rate_file(content, source="ECB", today=DAY)
        assert found.rates or found.faults
