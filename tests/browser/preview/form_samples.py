"""Sample views of what forms ask for and documents say: reference rates, an invoice title in its parts."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from api.pages.billing_profiles.views import ProfileTyped, ProfileView
from api.pages.frame.choices import Choice
from api.pages.frame.rendering import View
from api.pages.reference_rates.views import ReferenceRatesView
from billing.reference_rates.import_rates import RateReport
from billing.reference_rates.queries import RateSource, ReferenceRateRow
from billing.reference_rates.read_file import RateFault
from tests.browser.preview.buying_samples import NOW, Samples
from tests.browser.preview.selling_samples import DeskSamples

TODAY = NOW.date()
RATES = (("ECB", "EUR", "USD", "1.0873"), ("ECB", "EUR", "PLN", "4.2512"), ("PBOC", "USD", "CNY", "7.0875"))


def operators_pages(_: DeskSamples) -> dict[str, View]:
    """What is known, a file that was taken in, and one that was not."""
    rows = tuple(
        ReferenceRateRow(UUID(int=number), source, base, quote, rate, TODAY, None, NOW)
        for number, (source, base, quote, rate) in enumerate(RATES)
    )
    sources = (RateSource("ECB", 1_284, TODAY), RateSource("PBOC", 212, TODAY - timedelta(days=1)))
    taken = RateReport("ecb", new=29, known=1, past=2, first_on=TODAY, last_on=TODAY)
    wrong = RateReport(
        "columns",
        faults=[
            RateFault(3, "rates_rate_unreadable", "1,08"),
            RateFault(7, "rates_differ_from_known", "1.09 ≠ 1.0873"),
        ],
    )
    return {
        "reference-rates": ReferenceRatesView(sources, rows, None, may_write=True, report=taken),
        "reference-rates-wrong": ReferenceRatesView(sources, rows, None, may_write=True, typed="ECB", report=wrong),
        "reference-rates-none": ReferenceRatesView((), (), None, may_write=True),
    }


def buyers_pages(s: Samples) -> dict[str, View]:
    """A title whose address is on one line, and one in its parts."""
    countries = (Choice("CN", s.pick("中国", "China")), Choice("DE", s.pick("德国", "Germany")))
    line = ProfileTyped(
        legal_name=s.buyer, tax_id="91310115MA1K3YJ12D", address="上海市浦东新区博云路 2 号", email="a@b.example"
    )
    parts = ProfileTyped(
        legal_name="Nordlicht Software GmbH",
        country="DE",
        tax_id="DE136695976",
        street="Chausseestraße 12",
        city="Berlin",
        post_code="10115",
        email="a@b.example",
    )
    return {
        "invoice-title-one-line": ProfileView("#", countries, line, is_new=False, is_default=True),
        "invoice-title-parts": ProfileView("#", countries, parts, is_new=False, error_field="city", field_error=""),
    }
