"""Which statements of a payee fit together. Pure.

Sources: instructions of the US Internal Revenue Service for forms W-9 (line 3a, part I), W-8BEN and W-8BEN-E (who must not use
them); of China the identity number of a person (GB 11643) and the unified social credit code (GB 32100).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, get_args

from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError
from stdnum.us import ein, itin, ssn

from kernel.errors import Invalid
from kernel.text import plain_text

PayeeType = Literal["person", "organization"]
UsForm = Literal["w9", "w8ben", "w8ben_e"]
UsClassification = Literal[
    "individual", "c_corporation", "s_corporation", "partnership", "trust_estate", "llc_c", "llc_s", "llc_p", "other"
]
TinKind = Literal["ssn", "itin", "ein", "resident_id", "uscc", "other"]
VatStatus = Literal["general", "small_scale", "not_registered"]
PAYEE_TYPES: Final[tuple[str, ...]] = get_args(PayeeType)
US_FORMS: Final[tuple[str, ...]] = get_args(UsForm)
US_CLASSIFICATIONS: Final[tuple[str, ...]] = get_args(UsClassification)
TIN_KINDS: Final[tuple[str, ...]] = get_args(TinKind)
VAT_STATUSES: Final[tuple[str, ...]] = get_args(VatStatus)
_FORM_OF: Final = {"person": "w8ben", "organization": "w8ben_e"}
"""Of a payee that is no US person the form by its type."""
_RULES: Final[dict[str, Any]] = {"ssn": ssn, "itin": itin, "ein": ein, "resident_id": ric, "uscc": uscc}
_OF_PERSONS: Final = frozenset({"ssn", "itin", "resident_id"})
_HOMES: Final = {"resident_id": "CN", "uscc": "CN"}
"""Identifiers that only a resident of the country has."""
_US_TINS: Final = frozenset({"ssn", "itin", "ein"})
_LONGEST: Final = 40


@dataclass(frozen=True, slots=True)
class PayeeTaxFacts:
    """What a payee states. `tin` is its identifier, whole; `us_form` and `us_classification` may be empty."""

    payee_type: str
    residence_country: str
    tin_kind: str
    tin: str = field(repr=False)
    us_form: str = ""
    us_classification: str = ""
    vat_status: str = "not_registered"


def checked_facts(facts: PayeeTaxFacts) -> PayeeTaxFacts:
    """The statement with its identifier in the stored form; the country is checked already.

    Raises:
        Invalid: `payee_choice_unknown`; `payee_us_form` (a W-9 is of residents of the US, and they give no other; a W-8BEN is of
            people, a W-8BEN-E of organizations); `payee_us_classification` (with a W-9 alone, and a person is an individual);
            `payee_tin_kind` (it is not of such a payee); `payee_tin_invalid`.
    """
    _check_choices(facts)
    is_resident = facts.residence_country == "US"
    if facts.us_form and (facts.us_form == "w9") != is_resident:
        raise Invalid("payee_us_form", field="us_form")
    if facts.us_form not in {"", "w9", _FORM_OF[facts.payee_type]}:
        raise Invalid("payee_us_form", field="us_form")
    if (facts.us_form == "w9") != bool(facts.us_classification):
        raise Invalid("payee_us_classification", field="us_classification")
    is_person = facts.payee_type == "person"
    if facts.us_classification and (facts.us_classification == "individual") != is_person:
        raise Invalid("payee_us_classification", field="us_classification")
    foreign = _HOMES.get(facts.tin_kind, facts.residence_country) != facts.residence_country
    if foreign or (facts.tin_kind in _OF_PERSONS and not is_person):
        raise Invalid("payee_tin_kind", field="tin_kind")
    if facts.us_form == "w9" and facts.tin_kind not in _US_TINS:
        raise Invalid("payee_tin_kind", field="tin_kind")
    return replace(facts, tin=checked_tin(facts.tin_kind, facts.tin))


def checked_tin(kind: str, tin: str) -> str:
    """An identifier in its stored form: capitals, without spaces and hyphens. Raises Invalid(`payee_tin_invalid`)."""
    text = unicodedata.normalize("NFKC", plain_text(tin)).upper()
    rule = _RULES.get(kind)
    try:
        if rule is not None:
            return str(rule.compact(rule.validate(text)))
    except ValidationError as error:
        raise Invalid("payee_tin_invalid", field="tin") from error
    compact = "".join(character for character in text if character not in " -")
    if not (4 <= len(compact) <= _LONGEST and compact.isascii() and compact.isalnum()):
        raise Invalid("payee_tin_invalid", field="tin")
    return compact


def _check_choices(facts: PayeeTaxFacts) -> None:
    choices = (
        ("payee_type", PAYEE_TYPES),
        ("us_form", ("", *US_FORMS)),
        ("us_classification", ("", *US_CLASSIFICATIONS)),
        ("tin_kind", TIN_KINDS),
        ("vat_status", VAT_STATUSES),
    )
    for name, allowed in choices:
        if getattr(facts, name) not in allowed:
            raise Invalid("payee_choice_unknown", field=name)
