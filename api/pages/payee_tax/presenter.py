"""Payees and their tax years as their pages show them."""

from __future__ import annotations

from collections.abc import Mapping

from api.language import Language
from api.pages.frame.choices import country_choices
from api.pages.frame.phrases import money
from api.pages.frame.site import PageRequest
from api.pages.frame.translations import translations
from api.pages.payee_tax import views
from billing.payee_tax.facts import FIRST_YEAR, TaxMonth
from billing.payee_tax.queries import PayeeTaxProfileRow, PayeeYear

_SHOWN = 4
"""Years that can be chosen: the present one and those before."""


def own(
    page_request: PageRequest, found: PayeeYear, this_year: int, typed: Mapping[str, str], *, is_seller: bool
) -> views.TaxYearView:
    """A payee's own page; `typed` replaces what was stated in the form."""
    view = views.TaxYearView if is_seller else views.PromoterTaxYearView
    return view(
        year=found.year,
        years=_years(found.year, this_year),
        time_zone=found.time_zone,
        stated=_stated(page_request.language, found.profile),
        totals=_totals(found),
        months=_months(found),
        countries=country_choices(page_request.language),
        typed={**_typed(found), **typed},
        may_change=page_request.principal.may("billing.manage"),
        is_seller=is_seller,
    )


def payee(page_request: PageRequest, found: PayeeYear, this_year: int, tin: str) -> views.PayeeYearView:
    """One payee's page for the platform."""
    return views.PayeeYearView(
        org_id=str(found.org_id),
        name=found.legal_name,
        year=found.year,
        years=_years(found.year, this_year),
        time_zone=found.time_zone,
        stated=_stated(page_request.language, found.profile),
        totals=_totals(found),
        months=_months(found),
        tin=tin,
    )


def payees(
    page_request: PageRequest, found: list[PayeeYear], year: int, this_year: int, next_address: str | None
) -> views.PayeeYearsView:
    """The operator's list."""
    rows = tuple(
        views.PayeeItem(
            str(one.org_id),
            one.legal_name,
            _country(page_request.language, one.country),
            _stated(page_request.language, one.profile),
            _totals(one),
        )
        for one in found
    )
    return views.PayeeYearsView(year, _years(year, this_year), rows, next_address)


def _years(year: int, this_year: int) -> tuple[int, ...]:
    recent = range(max(this_year - _SHOWN + 1, FIRST_YEAR), this_year + 1)
    return tuple(sorted({year, *recent}, reverse=True))


def _totals(found: PayeeYear) -> tuple[views.TaxMonthItem, ...]:
    withheld: dict[str, int] = {}
    for month in found.months:
        one = found.withholding_of(month)
        if one is not None:
            withheld[month.currency] = withheld.get(month.currency, 0) + one.tax_minor
    return tuple(_item(one, withheld.get(one.currency)) for one in found.totals)


def _months(found: PayeeYear) -> tuple[views.TaxMonthItem, ...]:
    rows = ((one, found.withholding_of(one)) for one in found.months)
    return tuple(_item(month, one.tax_minor if one is not None else None) for month, one in rows)


def _item(row: TaxMonth, withheld_minor: int | None) -> views.TaxMonthItem:
    return views.TaxMonthItem(
        month=row.month,
        transactions=row.transactions,
        gross=money(row.gross_minor, row.currency),
        tax=money(row.tax_minor, row.currency),
        refunded=money(row.refunded_minor, row.currency),
        paid=money(row.paid_minor, row.currency),
        returned=money(row.returned_minor, row.currency),
        commissions=money(row.commissions_minor, row.currency),
        withheld=money(withheld_minor, row.currency) if withheld_minor is not None else None,
    )


def _stated(language: Language, row: PayeeTaxProfileRow | None) -> views.StatedItem | None:
    if row is None:
        return None
    return views.StatedItem(
        row.payee_type,
        _country(language, row.residence_country),
        row.us_form or "",
        row.us_classification or "",
        row.tin_kind,
        row.tin_last4,
        row.vat_status,
        row.created_at,
    )


def _typed(found: PayeeYear) -> dict[str, str]:
    row = found.profile
    return {
        "payee_type": row.payee_type if row else "organization",
        "residence_country": row.residence_country if row else found.country,
        "us_form": (row.us_form or "") if row else "",
        "us_classification": (row.us_classification or "") if row else "",
        "tin_kind": row.tin_kind if row else ("uscc" if found.country == "CN" else "other"),
        "vat_status": row.vat_status if row else "not_registered",
    }


def _country(language: Language, code: str) -> str:
    return str(translations(language).locale.territories.get(code, code))
