"""Tax identifiers: checked by their own rules before they are stored, because an invoice with a wrong one is void.

China: unified social credit code, 18 characters with a check digit (GB 32100-2015). European Union: VAT identification
number by the member state's rule. United Kingdom: VAT number, of Northern Ireland with XI. Mexico: RFC. Elsewhere: what a
register could have issued.
"""

from __future__ import annotations

import re
import unicodedata

from stdnum.cn import uscc
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import ValidationError
from stdnum.gb import vat as gb_vat
from stdnum.mx import rfc

from kernel.errors import Invalid

# Northern Ireland (XI) is no country of ISO 3166; its identifiers are the United Kingdom's.
_EU = frozenset(eu_vat.MEMBER_STATES) - {"xi"}
_ELSEWHERE = re.compile(r"[A-Z0-9][A-Z0-9 ./-]{3,29}")


def checked_tax_id(country: str, tax_id: str | None, *, field: str = "tax_id") -> str | None:
    """The identifier in its stored form, or None when none was given and the country lets a buyer have none.

    Full-width characters, as a Chinese keyboard types them, are their plain ones (Unicode's NFKC).

    Raises:
        Invalid: `tax_id_required` (China), `tax_id_invalid`.
    """
    text = unicodedata.normalize("NFKC", tax_id or "").strip().upper()
    if not text:
        if country == "CN":
            raise Invalid("tax_id_required", field=field, country=country)
        return None
    try:
        if country == "CN":
            return str(uscc.validate(text))
        if country == "GB":
            return ("XI" if text.startswith("XI") else "GB") + str(gb_vat.validate(text))
        if country == "MX":
            return str(rfc.validate(text))
        if country.lower() in _EU:
            return str(eu_vat.validate(_with_prefix(country, text)))
    except ValidationError as error:
        raise Invalid("tax_id_invalid", field=field, country=country) from error
    if not _ELSEWHERE.fullmatch(text):
        raise Invalid("tax_id_invalid", field=field, country=country)
    return text


def _with_prefix(country: str, text: str) -> str:
    """Greece is GR in ISO 3166 and EL in VAT identifiers (Directive 2006/112/EC, article 215); people write either."""
    prefix = "EL" if country == "GR" else country
    if text.startswith(prefix):
        return text
    return prefix + text.removeprefix(country)
