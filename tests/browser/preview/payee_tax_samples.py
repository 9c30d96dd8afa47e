"""Sample views of payees' tax years: a payee's own page, and the operators' list and page of one payee."""

from __future__ import annotations

from datetime import date

from api.pages.frame.choices import country_choices
from api.pages.frame.rendering import View
from api.pages.payee_tax.views import PayeeItem, PayeeYearsView, PayeeYearView, StatedItem, TaxMonthItem, TaxYearView
from tests.browser.preview.buying_samples import ID, NOW, Samples, cny

YEARS = (2026, 2025, 2024, 2023)


def _month(
    month: int, transactions: int, gross: int, commissions: int = 0, withheld: int | None = None
) -> TaxMonthItem:
    return TaxMonthItem(
        month=date(2026, month, 1),
        transactions=transactions,
        gross=cny(gross),
        tax=cny(gross // 106 * 6),
        refunded=cny(gross // 20),
        paid=cny(gross * 8 // 10 + commissions),
        returned=cny(0),
        commissions=cny(commissions),
        withheld=cny(withheld) if withheld is not None else None,
    )


def _person(s: Samples) -> StatedItem:
    return StatedItem("person", s.pick("中国", "China"), "", "", "resident_id", "007X", "not_registered", NOW)


def payees_pages(s: Samples) -> dict[str, View]:
    """A seller in the US that has stated what it is, and one that chose a form that does not fit."""
    stated = StatedItem(
        "organization", s.pick("美国", "United States"), "w9", "c_corporation", "ein", "4442", "not_registered", NOW
    )
    typed = {
        "payee_type": "organization",
        "residence_country": "US",
        "us_form": "w9",
        "us_classification": "c_corporation",
        "tin_kind": "ein",
        "vat_status": "not_registered",
    }
    year = TaxYearView(
        year=2026,
        years=YEARS,
        time_zone="America/New_York",
        stated=stated,
        totals=(_month(1, 214, 91_864_200),),
        months=(_month(1, 96, 41_000_000), _month(2, 118, 50_864_200)),
        countries=country_choices(s.language),
        typed=typed,
        may_change=True,
        is_seller=True,
    )
    return {"tax-year": year}


def operators_pages(s: Samples) -> dict[str, View]:
    """Two payees, one of them a person in China with commissions."""
    person = _month(1, 0, 0, 4_250_000, 660_000)
    rows = (
        PayeeItem(ID.format(86), s.seller, s.pick("中国", "China"), None, (_month(1, 96, 41_000_000),)),
        PayeeItem(ID.format(87), s.pick("林晓", "Lin Xiao"), s.pick("中国", "China"), _person(s), (person,)),
    )
    payee = PayeeYearView(
        org_id=ID.format(87),
        name=s.pick("林晓", "Lin Xiao"),
        year=2026,
        years=YEARS,
        time_zone="Asia/Shanghai",
        stated=_person(s),
        totals=(person,),
        months=(_month(3, 0, 0, 1_250_000, 200_000), _month(4, 0, 0, 3_000_000, 520_000)),
    )
    return {
        "payee-years": PayeeYearsView(2026, YEARS, rows, None),
        "payee-years-none": PayeeYearsView(2026, YEARS, (), None),
        "payee-year": payee,
    }
