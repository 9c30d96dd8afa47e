"""Tax identifiers: checked by their own rules before they are stored, because an invoice with a wrong one is void.

China: unified social credit code, 18 characters with a check digit (GB 32100-2015); of a natural person the number of the
identity card (GB 11643-1999). European Union: VAT identification number by the member state's rule. United Kingdom: VAT
number, of Northern Ireland with XI. Mexico: RFC. Elsewhere: what a register could have issued.
"""

from __future__ import annotations

import re
import unicodedata

from stdnum.cn import ric, uscc
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import InvalidChecksum, InvalidComponent, InvalidFormat, InvalidLength, ValidationError
from stdnum.gb import vat as gb_vat
from stdnum.mx import rfc

from kernel.errors import Invalid

# Northern Ireland (XI) is no country of ISO 3166; its identifiers are the United Kingdom's.
_EU = frozenset(eu_vat.MEMBER_STATES) - {"xi"}
_ELSEWHERE = re.compile(r"[A-Z0-9][A-Z0-9 ./-]{3,29}")
_REASONS: tuple[tuple[type[ValidationError], str], ...] = (
    (InvalidLength, "tax_id_length"),
    (InvalidFormat, "tax_id_characters"),
    (InvalidChecksum, "tax_id_check_digit"),
    (InvalidComponent, "tax_id_part_unknown"),
)
"""What is wrong with an identifier; a wrong length is a kind of wrong format, so it comes first."""


def checked_tax_id(country: str, tax_id: str | None, *, field: str = "tax_id", of_person: bool = False) -> str | None:
    """The identifier in its stored form, or None when none was given and the country lets its bearer have none.

    Full-width characters, as a Chinese keyboard types them, are their plain ones (Unicode's NFKC). Nobody asks a natural
    person for one (`of_person`).

    Raises:
        Invalid: `tax_id_required` (an organization in China); `tax_id_length`, `tax_id_characters`, `tax_id_check_digit`,
            `tax_id_part_unknown`; `tax_id_invalid` where a country's own rule is not known here.
    """
    text = unicodedata.normalize("NFKC", tax_id or "").strip().upper()
    if not text:
        if country == "CN" and not of_person:
            raise Invalid("tax_id_required", field=field, country=country)
        return None
    try:
        return _validated(country, text, of_person=of_person)
    except ValidationError as error:
        code = next((code for kind, code in _REASONS if isinstance(error, kind)), "tax_id_invalid")
        given = sum(character.isalnum() for character in text)
        raise Invalid(code, field=field, country=country, given=given) from error


def _validated(country: str, text: str, *, of_person: bool) -> str:
    if country == "CN":
        # A sole trader (个体工商户) has a social credit code, other people the number of their identity card.
        return str(ric.validate(text)) if of_person and not uscc.is_valid(text) else str(uscc.validate(text))
    if country == "GB":
        return ("XI" if text.startswith("XI") else "GB") + str(gb_vat.validate(text))
    if country == "MX":
        return str(rfc.validate(text))
    if country.lower() in _EU:
        return str(eu_vat.validate(_with_prefix(country, text)))
    if not _ELSEWHERE.fullmatch(text):
        raise ValidationError
    return text


def _with_prefix(country: str, text: str) -> str:
    """Greece is GR in ISO 3166 and EL in VAT identifiers (Directive 2006/112/EC, article 215); people write either."""
    prefix = "EL" if country == "GR" else country
    if text.startswith(prefix):
        return text
    return prefix + text.removeprefix(country)
