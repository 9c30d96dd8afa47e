"""Where an organization is registered, as territories of dealers name it: a country, or a province of China. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from kernel.errors import Invalid
from marketplace.parties.places import COUNTRIES

CHINA = "CN"
_PROVINCES = {
    "11": "BJ", "12": "TJ", "13": "HE", "14": "SX", "15": "NM", "21": "LN", "22": "JL", "23": "HL", "31": "SH", "32": "JS",
    "33": "ZJ", "34": "AH", "35": "FJ", "36": "JX", "37": "SD", "41": "HA", "42": "HB", "43": "HN", "44": "GD", "45": "GX",
    "46": "HI", "50": "CQ", "51": "SC", "52": "GZ", "53": "YN", "54": "XZ", "61": "SN", "62": "GS", "63": "QH", "64": "NX",
    "65": "XJ",
}  # fmt: skip
"""Divisions of GB/T 2260 by their first two digits, as ISO 3166-2 writes them. Hong Kong, Macao and Taiwan are codes of
ISO 3166-1."""
PROVINCES = tuple(f"{CHINA}-{letters}" for letters in _PROVINCES.values())
"""China's, in the order of GB/T 2260."""
REGIONS = frozenset((*COUNTRIES, *PROVINCES))
_CODE_LENGTH = 18


def region_of(country: str, tax_id: str | None) -> str:
    """The narrowest region that is known of an organization: its country, of one in China its province.

    Digits 3 to 8 of a unified social credit code are the division in which it was registered (GB 32100-2015, 4.4); it keeps them
    when it moves. Of those that the state's own authority registered (100000) the province is not known.
    """
    country = country.strip()
    if country == CHINA and tax_id is not None and len(tax_id) == _CODE_LENGTH and tax_id[2:4] in _PROVINCES:
        return f"{CHINA}-{_PROVINCES[tax_id[2:4]]}"
    return country


def covers(regions: Iterable[str], region: str) -> bool:
    """Whether a region, or the country that it is in, is among `regions`."""
    return bool({region, country_of(region)} & set(regions))


def shared_regions(one: Iterable[str], other: Iterable[str]) -> list[str]:
    """What two territories have in common, as the narrower of them names it; sorted."""
    first, second = set(one), set(other)
    return sorted({*(r for r in first if covers(second, r)), *(r for r in second if covers(first, r))})


def country_of(region: str) -> str:
    """ISO 3166-1 alpha-2."""
    return region.partition("-")[0]


def checked_regions(typed: Iterable[str], *, field: str = "regions") -> list[str]:
    """Regions in capitals, each once, sorted; none that lies in another of them. Raises Invalid `region_unknown`."""
    found = {one.strip().upper() for one in typed}
    if unknown := sorted(found - REGIONS):
        raise Invalid("region_unknown", field=field, region=unknown[0][:16])
    return sorted(one for one in found if one == country_of(one) or country_of(one) not in found)
