"""Pages of what payees state for tax authorities and of their years: a payee's own, and the operators'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.payee_tax import presenter
from api.pages.payee_tax.views import PayeeYearView, TaxYearView
from api.v1.payee_tax import READ, WRITE, state_profile, this_year
from billing.payee_tax.facts import FIRST_YEAR, LAST_YEAR
from billing.payee_tax.profile_rules import PayeeTaxFacts
from billing.payee_tax.queries import OPERATES, get_payee_year, list_payee_years, own_payee_year, reveal_tin
from kernel.errors import DomainError
from marketplace.parties.lookups import get_party

Answer = Response[str] | Response[bytes]
_PAGE = 20
_FIELDS = ("payee_type", "residence_country", "us_form", "us_classification", "tin_kind", "vat_status")


@page(addresses.payouts.TAX, READ)
def show_own(page_request: Given[PageRequest]) -> Answer:
    """What the organization stated, and the facts of a year."""
    return page_request.render(_own(page_request))


@form_post(addresses.payouts.TAX, WRITE)
def state(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """State it. Pressed twice, the second changes nothing."""
    typed = {name: form.text(name, most=40) for name in _FIELDS}
    facts = PayeeTaxFacts(
        typed["payee_type"],
        typed["residence_country"],
        typed["tin_kind"],
        form.text("tin", most=60),
        typed["us_form"],
        typed["us_classification"],
        typed["vat_status"],
    )
    try:
        page_request.transact(lambda uow: state_profile(page_request.request, uow, facts))
    except DomainError as refused:
        return page_request.render(_own(page_request, typed, refused), status=refused.status)
    return page_request.redirect(addresses.payouts.TAX, notice="payee_tax_profile_saved")


@page(addresses.payouts.PAYEE_TAX, OPERATES)
def show_payees(page_request: Given[PageRequest]) -> Answer:
    """Whoever sold something or was paid in a year."""
    with page_request.work() as uow:
        now = this_year(uow)
        year = _year(page_request, now)
        found = list_payee_years(uow, year=year, cursor=page_request.query("cursor", most=200) or None, limit=_PAGE)
    following = addresses.next_page(addresses.payouts.PAYEE_TAX, found.next_cursor, year=str(year))
    return page_request.render(presenter.payees(page_request, list(found.items), year, now, following))


@page("/operator/payee-tax/{org_id:uuid}", OPERATES)
def show_payee(org_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One payee's year."""
    return page_request.render(_payee(page_request, org_id))


@form_post("/operator/payee-tax/{org_id:uuid}", OPERATES)
def reveal(org_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """The same with the payee's identifier, whole. Who looked is kept in the audit log."""
    del form
    _, tin = page_request.transact(lambda uow: reveal_tin(uow, org_id, page_request.services.secrets))
    return page_request.render(_payee(page_request, org_id, tin))


def _own(
    page_request: PageRequest, typed: Mapping[str, str] | None = None, refused: DomainError | None = None
) -> TaxYearView:
    with page_request.work() as uow:
        now = this_year(uow)
        found = own_payee_year(uow, _year(page_request, now))
        is_seller = get_party(uow, page_request.principal.organization()).is_seller
    view = presenter.own(page_request, found, now, typed or {}, is_seller=is_seller)
    if refused is None:
        return view
    field = str(getattr(refused, "field", None) or "")
    return replace(view, error=failure(page_request, refused), error_field=field)


def _payee(page_request: PageRequest, org_id: UUID, tin: str = "") -> PayeeYearView:
    with page_request.work() as uow:
        now = this_year(uow)
        found = get_payee_year(uow, org_id, _year(page_request, now))
    return presenter.payee(page_request, found, now, tin)


def _year(page_request: PageRequest, default: int) -> int:
    year = page_request.query_number("year", default=default, most=LAST_YEAR)
    return year if year >= FIRST_YEAR else default


routes = [show_own, state, show_payees, show_payee, reveal]
