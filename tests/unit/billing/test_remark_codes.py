"""Codes in remarks: found however they are written, never taken for another where a sign is wrong."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from billing.bank.remark_code import ALPHABET, LENGTH, PREFIX, draw_code, find_codes
from billing.bank.same_name import name_key

codes = st.integers().map(lambda _: draw_code())


@given(codes, st.sampled_from([" ", "-", "　", "/", ":"]), st.booleans())
def test_a_code_is_found_however_a_payer_writes_it(code: str, between: str, lower: bool) -> None:  # noqa: FBT001 - drawn
    written = between.join(code.lower() if lower else code)
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in code)
    for remark in (written, wide, f"货款{code}，谢谢", f"PO-7 {code} 2026", f"INV{code}X"):
        assert code in find_codes(remark)


@given(codes, st.integers(0, LENGTH - 1), st.sampled_from(ALPHABET))
def test_one_wrong_sign_is_no_code(code: str, at: int, other: str) -> None:
    at += len(PREFIX)
    wrong = code[:at] + other + code[at + 1 :]
    assert (wrong == code) == (code in find_codes(wrong))
    assert wrong == code or wrong not in find_codes(wrong)


@given(codes, st.integers(0, LENGTH - 2))
def test_two_changed_places_are_no_code(code: str, at: int) -> None:
    at += len(PREFIX)
    changed = code[:at] + code[at + 1] + code[at] + code[at + 2 :]
    assert changed == code or changed not in find_codes(changed)


def test_several_codes_are_found_in_their_order_each_once() -> None:
    one, other = draw_code(), draw_code()
    assert find_codes(f"{one} {other} {one}") == tuple(dict.fromkeys((one, other)))
    assert find_codes("BT0OI1L no code at all") == ()


@given(st.text(max_size=80))
def test_any_remark_can_be_read(remark: str) -> None:
    for code in find_codes(remark):
        assert len(code) == len(PREFIX) + LENGTH
        assert set(code[len(PREFIX) :]) <= set(ALPHABET)


def test_names_are_one_whatever_brackets_spaces_and_width_they_are_written_with() -> None:
    assert name_key("明湖科技（深圳）有限公司") == name_key("明湖科技(深圳) 有限公司")
    assert name_key("ACME  Co., Ltd.") == name_key("Ａｃｍｅ co ltd")
    assert name_key("Acme") != name_key("Acne")
    assert name_key(" -- ") == ""
