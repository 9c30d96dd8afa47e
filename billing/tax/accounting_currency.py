"""In which currency a seller accounts for VAT: that in which the tax of its invoices has to be said besides."""

from __future__ import annotations

from datetime import date
from typing import Final

from billing.tax.decision import vat_area
from billing.tax.rates import EU_STANDARD

_EURO: Final = "EUR"
_OWN: Final = {"CZ": "CZK", "DK": "DKK", "HU": "HUF", "PL": "PLN", "RO": "RON", "SE": "SEK"}
"""Member states without the euro, and their currencies."""
_EURO_SINCE: Final = {"BG": ("BGN", date(2026, 1, 1)), "HR": ("HRK", date(2023, 1, 1))}
"""Member states that took the euro after the tables of rates begin: their currency before, and the first day of the euro
(Council Regulations (EU) 2025/1407 and 2022/1207)."""


def vat_currency(country: str, on: date) -> str | None:
    """The national currency of the seller's VAT area on a day; None where no VAT is charged by the tables here.

    Source: Directive 2006/112/EC, article 230 (an invoice may be in any currency when the VAT is also expressed in the national
    currency of the member state); 中华人民共和国增值税法, article 16 (sales are accounted for in yuan).
    """
    area = vat_area(country)
    if area == "CN":
        return "CNY"
    if area not in EU_STANDARD:
        return None
    former, since = _EURO_SINCE.get(area, ("", date.min))
    if on < since:
        return former
    return _OWN.get(area, _EURO)
