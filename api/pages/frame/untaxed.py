"""What of a line's tax a buyer may not expect, in words and as an amount."""

from __future__ import annotations

from api.pages.frame.site import PageRequest
from billing.tax.decision import note_in_words
from kernel.money import Money
from orders.checkout.priced_line import PricedLine


def tax_note(page_request: PageRequest, line: PricedLine) -> str | None:
    """In a sentence or two; None where there is nothing unexpected."""
    language = page_request.language
    return note_in_words(line.tax_reason, language) or line.whole.untaxed.in_words(language)


def untaxed_off(page_request: PageRequest, line: PricedLine) -> tuple[Money | None, str]:
    """What is taken off a price with tax because none applies, and its words; nothing where nothing is."""
    if not line.tax_included or line.list_minor - line.discount_minor == line.gross_minor:
        return None, ""
    rate = page_request.formats.rate(line.home_rate_ppm)
    off = Money(line.gross_minor - line.list_minor + line.discount_minor, line.currency)
    return off, page_request.t("buy.untaxed", rate=rate)
