"""What a payee states about itself has to fit together."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.payee_tax.profile_rules import (
    PAYEE_TYPES,
    TIN_KINDS,
    US_CLASSIFICATIONS,
    US_FORMS,
    PayeeTaxFacts,
    checked_facts,
    checked_tin,
)
from kernel.errors import Invalid

TINS = {
    "ssn": "536-90-4399",
    "itin": "912-90-3456",
    "ein": "91-1144442",
    "resident_id": "360426199101010071",
    "uscc": "91110000600037341L",
    "other": "DE 812-526-315",
}
STATED = st.builds(
    PayeeTaxFacts,
    st.sampled_from(PAYEE_TYPES),
    st.sampled_from(("US", "CN", "DE")),
    st.sampled_from(TIN_KINDS),
    st.just(""),
    st.sampled_from(("", *US_FORMS)),
    st.sampled_from(("", *US_CLASSIFICATIONS)),
)
US_PERSON = PayeeTaxFacts("person", "US", "ssn", TINS["ssn"], "w9", "individual")


@pytest.mark.parametrize(
    ("facts", "stored"),
    [
        (US_PERSON, "536904399"),
        (PayeeTaxFacts("organization", "US", "ein", TINS["ein"], "w9", "c_corporation"), "911144442"),
        (PayeeTaxFacts("person", "CN", "resident_id", TINS["resident_id"]), TINS["resident_id"]),
        (PayeeTaxFacts("organization", "CN", "uscc", TINS["uscc"], "w8ben_e"), TINS["uscc"]),
        (PayeeTaxFacts("organization", "DE", "other", TINS["other"], "w8ben_e"), "DE812526315"),
    ],
)
def test_what_fits_is_taken(facts: PayeeTaxFacts, stored: str) -> None:
    assert checked_facts(facts).tin == stored


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"payee_type": "robot"}, "payee_choice_unknown"),
        ({"us_form": "w8ben", "us_classification": ""}, "payee_us_form"),
        ({"residence_country": "DE"}, "payee_us_form"),
        ({"us_classification": ""}, "payee_us_classification"),
        ({"us_classification": "partnership"}, "payee_us_classification"),
        ({"payee_type": "organization", "us_classification": "partnership"}, "payee_tin_kind"),
        ({"tin_kind": "resident_id", "tin": TINS["resident_id"]}, "payee_tin_kind"),
        ({"tin_kind": "other", "tin": TINS["other"]}, "payee_tin_kind"),
        ({"tin": "000-12-3456"}, "payee_tin_invalid"),
    ],
)
def test_what_does_not_fit_is_refused(changed: dict[str, str], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked_facts(replace(US_PERSON, **changed))
    assert refused.value.code == code


@given(STATED)
def test_a_form_tells_where_its_payee_lives(facts: PayeeTaxFacts) -> None:
    try:
        taken = checked_facts(replace(facts, tin=TINS[facts.tin_kind]))
    except Invalid:
        return
    assert not taken.us_form or (taken.us_form == "w9") == (taken.residence_country == "US")
    assert bool(taken.us_classification) == (taken.us_form == "w9")
    assert taken.us_form != "w8ben" or taken.payee_type == "person"
    assert checked_tin(taken.tin_kind, taken.tin) == taken.tin


@given(st.sampled_from(TIN_KINDS), st.text(max_size=60))
def test_any_text_is_an_identifier_or_refused(kind: str, text: str) -> None:
    stored = "refused"
    with suppress(Invalid):
        stored = checked_tin(kind, text)
    assert 4 <= len(stored) <= 40
    assert stored.isascii()
