"""Untaxed lines say why; taxed ones have nothing to explain."""

from __future__ import annotations

import itertools
from datetime import date

from billing.tax.decision import TaxParty, reason_in_words, tax_for

PARTIES = [
    TaxParty("CN"),
    TaxParty("CN", taxpayer="small_scale"),
    TaxParty("CN", taxpayer="exempt"),
    TaxParty("DE", "DE123456789"),
    TaxParty("DE", taxpayer="exempt"),
    TaxParty("FR", "FR12345678901"),
    TaxParty("FR"),
    TaxParty("US"),
]


def test_every_decision_without_tax_has_words_and_no_other() -> None:
    for seller, buyer, category in itertools.product(PARTIES, PARTIES, ("service", "software")):
        decision = tax_for(seller, buyer, category, date(2026, 11, 22), included=True)
        assert bool(reason_in_words(decision.reason_code)) == (decision.category != "S"), decision
