"""Regions of territories: where a code was registered, and what two territories share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.region_names import region_name, region_names
from kernel.errors import Invalid
from marketplace.parties.regions import (
    PROVINCES,
    REGIONS,
    checked_regions,
    country_of,
    covers,
    region_of,
    shared_regions,
)

some_regions = st.sets(st.sampled_from(["CN", "CN-GD", "CN-GX", "CN-BJ", "SG", "DE"]), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("country", "tax_id", "region"),
    [
        ("CN", "91440300708461136T", "CN-GD"),  # Shenzhen
        ("CN", "911100001000000000", "CN-BJ"),
        ("CN", "911000001000000000", "CN"),  # registered by the state's own authority
        ("CN", None, "CN"),
        ("DE", "DE136695976", "DE"),
        ("HK", None, "HK"),
    ],
)
def test_a_code_says_where_it_was_registered(country: str, tax_id: str | None, region: str) -> None:
    assert region_of(country, tax_id) == region


def test_there_are_the_provinces_of_the_standard() -> None:
    assert len(PROVINCES) == len(set(PROVINCES)) == 31
    for language in ("zh-CN", "en"):
        named = [region_name(one, language) for one in PROVINCES]
        assert len(set(named)) == 31
        assert not set(named) & set(PROVINCES)
    assert region_names(["CN-GD", "SG"], "en") == "Guangdong, Singapore"
    assert region_names(["CN-GD", "SG"], "zh-CN") == "广东、新加坡"


def test_what_is_typed_is_kept_once_and_in_order() -> None:
    assert checked_regions([" sg", "cn-gd", "CN-GD", "cn-bj"]) == ["CN-BJ", "CN-GD", "SG"]
    # A country contains its provinces.
    assert checked_regions(["CN-GD", "CN"]) == ["CN"]
    for unknown in ("ZZ", "CN-XX", "US-CA", "中国", "x" * 400):
        with pytest.raises(Invalid, match="region_unknown"):
            checked_regions([unknown])


@given(some_regions, some_regions)
def test_two_territories_share_what_lies_in_both(one: set[str], other: set[str]) -> None:
    shared = shared_regions(one, other)
    assert shared == shared_regions(other, one)
    assert bool(shared) == any(covers(one, region) and covers(other, region) for region in REGIONS)
    assert all(covers(one, region) and covers(other, region) for region in shared)
    assert all(region in one | other for region in shared)


@given(some_regions)
def test_a_province_lies_in_its_country_and_not_the_other_way_round(regions: set[str]) -> None:
    for region in REGIONS:
        assert covers(regions, region) == (region in regions or country_of(region) in regions)
