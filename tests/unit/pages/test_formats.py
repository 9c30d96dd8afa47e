"""Money, dates and rates as each language writes them."""

from datetime import UTC, date, datetime

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from api.pages.frame.formats import Formats
from kernel import clock
from kernel.money import Money

ZH = Formats(Locale.parse("zh_CN"), "Asia/Shanghai")
EN = Formats(Locale.parse("en"), "America/New_York")


@pytest.mark.parametrize(
    ("amount", "zh", "en"),
    [
        (Money(398_000, "CNY"), "¥3,980.00", "¥3,980.00"),
        (Money(-63_600, "CNY"), "-¥636.00", "-¥636.00"),
        (Money(5, "USD"), "US$0.05", "$0.05"),
        (Money(1_200, "JPY"), "JP¥1,200", "JP¥1,200"),
        (Money(1_234, "KWD"), "KWD1.234", "KWD1.234"),
        # CLDR shows none of these decimals; they are money all the same.
        (Money(2_500, "RSD"), "RSD25.00", "RSD25.00"),
        (Money(2_501, "IQD"), "IQD2.501", "IQD2.501"),
    ],
)
def test_money_has_its_currencys_decimals(amount: Money, zh: str, en: str) -> None:
    assert ZH.money(amount).replace("\xa0", "") == zh
    assert EN.money(amount).replace("\xa0", "") == en


def test_price_tag_drops_empty_decimals_only() -> None:
    assert ZH.price(Money(19_900, "CNY")) == "¥199"
    assert ZH.price(Money(1_990, "CNY")) == "¥19.90"
    assert ZH.price(Money(2_500, "RSD")).replace("\xa0", "") == "RSD25"


@given(st.integers(-(10**14), 10**14), st.sampled_from(["USD", "JPY", "KWD", "RSD", "IQD", "UYW"]))
def test_money_loses_no_digit(minor: int, currency: str) -> None:
    shown = EN.money(Money(minor, currency))
    assert int("".join(sign for sign in shown if sign.isdigit())) == abs(minor)
    assert shown.startswith("-") == (minor < 0)


def test_instants_move_to_the_readers_zone() -> None:
    late = datetime(2026, 11, 22, 17, 30, tzinfo=UTC)
    assert ZH.day(late) == "2026年11月23日"
    assert EN.day(late) == "Nov 22, 2026"
    assert ZH.time(late) == "01:30:00"


def test_a_day_of_another_year_says_the_year() -> None:
    with clock.frozen(datetime(2026, 12, 31, 20, tzinfo=UTC)):
        # Where it is read the new year has begun in one place alone.
        assert (ZH.short_day(date(2026, 12, 21)), EN.short_day(date(2026, 12, 21))) == ("2026年12月21日", "Dec 21")
        assert (ZH.short_day(date(2027, 1, 2)), EN.short_day(date(2027, 1, 2))) == ("1月2日", "Jan 2, 2027")
        assert ZH.short_day(datetime(2026, 12, 31, 17, tzinfo=UTC)) == "1月1日"


def test_days_and_months() -> None:
    assert ZH.month(date(2026, 11, 1)) == "2026年11月"
    assert EN.month(date(2026, 11, 1)) == "November 2026"
    assert ZH.short_day(date(2026, 11, 22)) == "11月22日"


def test_rates_counts_and_ages() -> None:
    assert ZH.rate(60_000) == "6%"
    assert EN.rate(12_500) == "1.25%"
    assert ZH.compact(34_200) == "3.4万"
    assert EN.compact(1_234) == "1.2K"
    assert EN.compact(999) == "999"
    assert EN.age(12) == "12 seconds"
    assert EN.second(75) == "1:15"
    assert EN.bytes(779_897) == "0.8 MB"


def test_an_appointment_names_its_time_zone() -> None:
    at = datetime(2026, 11, 30, 1, tzinfo=UTC)
    assert ZH.appointment(at).endswith("09:00 (GMT+08:00)")
    assert EN.appointment(at).endswith("20:00 (GMT-05:00)")


def test_waits_of_one_and_two_days_are_not_the_same() -> None:
    hours = (30, 42, 58, 96)
    assert [ZH.wait(one * 3_600) for one in hours] == ["30小时", "42小时", "58小时", "4天"]
    assert EN.wait(90 * 60) == "90 minutes"
