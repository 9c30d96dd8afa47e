"""What a transfer needs, country by country."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Invalid
from marketplace.onboarding.bank_details import checked_numbers, scheme_of
from marketplace.parties.places import COUNTRIES

GOOD = {
    "CN": ("6222 0202 0011 2233 445", "102100099996", "6222020200112233445", "102100099996"),
    "DE": ("de89 3704 0044 0532 0130 00", "", "DE89370400440532013000", ""),
    "NL": ("NL91ABNA0417164300", "abna nl 2a", "NL91ABNA0417164300", "ABNANL2A"),
    "US": ("000123456789", "021000021", "000123456789", "021000021"),
    "GB": ("5577 9911", "20-00-00", "55779911", "200000"),
    "JP": ("1234567", "BOTKJPJT", "1234567", "BOTKJPJT"),
}


@pytest.mark.parametrize("country", GOOD)
def test_numbers_are_stored_without_what_people_group_them_by(country: str) -> None:
    account, code, stored, bank = GOOD[country]
    found = checked_numbers(country, account, code)
    assert (found.account, found.bank_code, found.last4) == (stored, bank, stored[-4:])


def test_full_width_digits_are_digits() -> None:
    assert checked_numbers("CN", "６２２２０２０２００", "１０２１０００９９９９６").account == "6222020200"


@pytest.mark.parametrize(
    ("country", "account", "code", "refusal"),
    [
        ("CN", "12", "102100099996", "payout_account_invalid"),
        ("CN", "6222020200112233445", "1021", "payout_bank_code_invalid"),
        ("CN", "6222020200112233445", "", "payout_bank_code_invalid"),
        ("DE", "DE89370400440532013001", "", "payout_account_invalid"),
        ("DE", "NL91ABNA0417164300", "", "payout_account_invalid"),
        ("DE", "DE89370400440532013000", "nonsense", "payout_bank_code_invalid"),
        ("US", "123456789", "021000022", "payout_bank_code_invalid"),
        ("GB", "1234567", "200000", "payout_account_invalid"),
        ("GB", "55779911", "2000", "payout_bank_code_invalid"),
        ("JP", "1234567", "", "payout_bank_code_invalid"),
        ("JP", "", "BOTKJPJT", "payout_account_invalid"),
        ("CN", "٦٢٢٢٠٢٠٢٠٠", "102100099996", "payout_account_invalid"),
    ],
)
def test_what_does_not_fit_the_country_is_named(country: str, account: str, code: str, refusal: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked_numbers(country, account, code)
    assert refused.value.code == refusal
    assert refused.value.field == ("account" if refusal == "payout_account_invalid" else "bank_code")


@given(country=st.sampled_from(COUNTRIES), account=st.text(max_size=40), code=st.text(max_size=20))
def test_whatever_is_typed_is_stored_plain_or_refused(country: str, account: str, code: str) -> None:
    try:
        found = checked_numbers(country, account, code)
    except Invalid:
        return
    stored = found.account + found.bank_code
    assert stored.isascii()
    assert stored.isalnum()
    assert checked_numbers(country, found.account, found.bank_code) == found


@given(st.sampled_from([country for country in GOOD if scheme_of(country) in {"iban", "us"}]), st.data())
def test_a_wrong_digit_is_found_where_there_is_a_check_digit(country: str, data: st.DataObject) -> None:
    account, code, _, _ = GOOD[country]
    number = "".join((code if country == "US" else account).split())
    at = data.draw(st.sampled_from([place for place, sign in enumerate(number) if sign.isdigit()]))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != number[at]]))
    wrong = number[:at] + other + number[at + 1 :]
    with pytest.raises(Invalid):
        checked_numbers(country, *((account, wrong) if country == "US" else (wrong, code)))
