"""Amounts in capitals: the examples of the rules, and a reader that turns every amount back into figures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.documents.chinese_capitals import RED_PREFIX, chinese_capitals
from kernel.errors import Invalid

DIGITS = "零壹贰叁肆伍陆柒捌玖"
PLACES = {"拾": 10, "佰": 100, "仟": 1000}


def read_integer(text: str) -> int:
    for name, unit in (("亿", 10**8), ("万", 10**4)):
        # A section may itself hold the smaller unit (壹万亿), so the last occurrence divides.
        if name in text:
            high, low = text.rsplit(name, 1)
            return read_integer(high) * unit + read_integer(low)
    value, digit = 0, 0
    for char in text:
        if char in PLACES:
            value += digit * PLACES[char]
            digit = 0
        else:
            digit = DIGITS.index(char)
    return value + digit


def read(text: str) -> int:
    """Turn capitals back into fen, knowing nothing of how they were written."""
    sign = -1 if text.startswith(RED_PREFIX) else 1
    text = text.removeprefix(RED_PREFIX).removesuffix("整")
    whole, _, rest = text.rpartition("圆") if "圆" in text else ("零", "", text)
    jiao = DIGITS.index(rest[rest.index("角") - 1]) if "角" in rest else 0
    fen = DIGITS.index(rest[rest.index("分") - 1]) if "分" in rest else 0
    return sign * (read_integer(whole) * 100 + jiao * 10 + fen)


@pytest.mark.parametrize(
    ("amount_minor", "written"),
    [
        (0, "零圆整"),
        (5, "伍分"),
        (50, "伍角"),
        (51, "伍角壹分"),
        (100, "壹圆整"),
        (1000, "壹拾圆整"),
        (140950, "壹仟肆佰零玖圆伍角"),
        (600714, "陆仟零柒圆壹角肆分"),
        (1640902, "壹万陆仟肆佰零玖圆零贰分"),
        (32504, "叁佰贰拾伍圆零肆分"),
        (168032, "壹仟陆佰捌拾圆叁角贰分"),
        (10700053, "壹拾万柒仟圆伍角叁分"),
        (50000, "伍佰圆整"),
        (-50000, "（负数）伍佰圆整"),
        (398000, "叁仟玖佰捌拾圆整"),
        (100_010_00, "壹拾万零壹拾圆整"),
        (100_000_001_00, "壹亿零壹圆整"),
        (10**12 * 100, "壹万亿圆整"),
        (10**12 * 100 + 100, "壹万亿零壹圆整"),
        (2_0000_5000_00, "贰亿零伍仟圆整"),
    ],
)
def test_examples_of_the_rules(amount_minor: int, written: str) -> None:
    assert chinese_capitals(amount_minor) == written


@given(st.integers(min_value=-(10**18) + 1, max_value=10**18 - 1))
def test_every_amount_reads_back_as_itself(amount_minor: int) -> None:
    assert read(chinese_capitals(amount_minor)) == amount_minor


@given(st.integers(min_value=0, max_value=10**18 - 1))
def test_zeros_never_pile_up_and_whole_yuan_end_in_zheng(amount_minor: int) -> None:
    written = chinese_capitals(amount_minor)
    assert "零零" not in written
    assert written.endswith("整") == (amount_minor % 100 == 0)
    assert not written.removeprefix("零圆整").startswith("零")


def test_refuses_what_no_invoice_can_say() -> None:
    with pytest.raises(Invalid, match="amount_out_of_range"):
        chinese_capitals(10**18)
