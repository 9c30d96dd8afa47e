"""What payees state for the tax authorities, and the facts of their years: their own, and for the platform those of all."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Final
from uuid import UUID

from litestar import Response, get, post, put
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta
from pydantic import Field

from api.request import ApiRequest
from api.schema import MoneyOut, Out, PageOut, Paging, Wire, linked
from billing.payee_tax.facts import FIRST_YEAR, LAST_YEAR, TaxMonth
from billing.payee_tax.labour_income import Withholding
from billing.payee_tax.profile_rules import PayeeTaxFacts, PayeeType, TinKind, UsClassification, UsForm, VatStatus
from billing.payee_tax.queries import (
    OPERATES,
    PayeeTaxProfileRow,
    PayeeYear,
    find_payee_tax_profile,
    get_payee_year,
    list_payee_years,
    own_payee_year,
    reveal_tin,
    to_payee_tax_profile_row,
)
from billing.payee_tax.save_profile import save_payee_tax_profile
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from marketplace.parties.lookups import get_party
from marketplace.parties.models import PLATFORM_ORG_ID

READ: Final = "money.read"
WRITE: Final = "billing.manage"
YearParameter = Annotated[
    int | None,
    QueryParameter(
        ge=FIRST_YEAR,
        le=LAST_YEAR,
        required=False,
        description="A calendar year of the payee; by default the present one",
    ),
]


class PayeeTaxProfileIn(Wire):
    """What the organization states about itself. Of a change `tin` may be left out: then the stored one stays."""

    payee_type: PayeeType
    residence_country: Annotated[str, Field(max_length=2)]
    tin_kind: TinKind
    tin: Annotated[str, Field(max_length=60)] = ""
    us_form: UsForm | None = None
    us_classification: UsClassification | None = None
    vat_status: VatStatus = "not_registered"


class PayeeTaxProfileOut(Out):
    """What a payee states about itself; its identifier is sealed."""

    org_id: UUID
    payee_type: Annotated[str, Meta(description="person or organization")]
    residence_country: Annotated[str, Meta(description="For tax purposes")]
    us_form: Annotated[str | None, Meta(description="w9, w8ben or w8ben_e; null: nothing to do with the US")]
    us_classification: Annotated[str | None, Meta(description="Federal tax classification, with a W-9")]
    tin_kind: Annotated[str, Meta(description="ssn, itin, ein, resident_id, uscc or other")]
    tin_last4: str
    vat_status: Annotated[str, Meta(description="general, small_scale or not_registered")]
    created_at: datetime


class RevealedTinOut(PayeeTaxProfileOut):
    """The same with the whole identifier, for whoever files."""

    tin: str


class WithholdingOut(Out):
    """What would be withheld in China of a month's labour income, by announcement 61 of 2018. The platform withholds nothing."""

    income: MoneyOut
    deduction: MoneyOut
    taxable: MoneyOut
    rate_ppm: int
    quick_deduction: MoneyOut
    tax: MoneyOut

    @classmethod
    def of(cls, row: Withholding, currency: str) -> WithholdingOut:
        """From the calculation."""
        return cls.of_row(row, currency=currency)


class TaxTotalOut(Out):
    """A year of a payee in one currency."""

    currency: str
    transactions: Annotated[
        int, Meta(description="Payments in which something of the payee was sold (form 1099-K, box 3)")
    ]
    gross: Annotated[
        MoneyOut, Meta(description="Their gross with tax, without regard to fees and refunds (1099-K, box 1a)")
    ]
    tax: Annotated[MoneyOut, Meta(description="Value added tax in the gross")]
    refunded: Annotated[MoneyOut, Meta(description="Gross of what was refunded, of sales of any time")]
    payouts: int
    paid: MoneyOut
    returned: Annotated[MoneyOut, Meta(description="What came back of payouts")]
    commissions: Annotated[
        MoneyOut, Meta(description="Of what was paid: for promotion (form 1099-NEC; labour income in China)")
    ]

    @classmethod
    def of_total(cls, row: TaxMonth) -> TaxTotalOut:
        """From the query's row."""
        return TaxTotalOut.of_row(row)


class TaxMonthOut(TaxTotalOut):
    """A month of it."""

    month: Annotated[date, Meta(description="Its first day")]
    withholding: Annotated[
        WithholdingOut | None, Meta(description="Of natural persons in China, for commissions in CNY")
    ]


class PayeeYearOut(Out):
    """A payee and the facts of its year, by currency and by month."""

    org_id: UUID
    legal_name: str
    country: Annotated[str, Meta(description="Of residence for tax, else of the organization")]
    time_zone: Annotated[str, Meta(description="At whose midnight the year begins")]
    year: int
    profile: Annotated[PayeeTaxProfileOut | None, Meta(description="null: nothing was stated yet")]
    totals: list[TaxTotalOut]
    months: list[TaxMonthOut]

    @classmethod
    def of(cls, row: PayeeYear) -> PayeeYearOut:
        """From the query's row."""
        return cls.of_row(
            row,
            profile=PayeeTaxProfileOut.of_row(row.profile) if row.profile is not None else None,
            totals=[TaxTotalOut.of_total(one) for one in row.totals],
            months=[_month(row, one) for one in row.months],
        )


@get("/v1/payee-tax-profile", permission=READ, refuses=[404], sync_to_thread=True, tags=["money"])
def get_payee_tax_profile(request: ApiRequest) -> PayeeTaxProfileOut:
    """What the organization states about itself for the tax authorities."""
    with request.transaction() as uow:
        row = find_payee_tax_profile(uow)
    if row is None:
        raise NotFound("payee_tax_profile_not_found")
    return PayeeTaxProfileOut.of_row(row)


@put("/v1/payee-tax-profile", permission=WRITE, refuses=[409], sync_to_thread=True, tags=["money"])
def put_payee_tax_profile(data: JSONBody[PayeeTaxProfileIn], request: ApiRequest) -> PayeeTaxProfileOut:
    """State it. The same again changes nothing; what was stated before is kept."""
    facts = PayeeTaxFacts(
        data.payee_type,
        data.residence_country,
        data.tin_kind,
        data.tin,
        data.us_form or "",
        data.us_classification or "",
        data.vat_status,
    )
    return PayeeTaxProfileOut.of_row(request.transact(lambda uow: state_profile(request, uow, facts)))


@get("/v1/tax-year", permission=READ, sync_to_thread=True, tags=["money"])
def get_tax_year(request: ApiRequest, year: YearParameter = None) -> PayeeYearOut:
    """What the organization sold and was paid in a calendar year: the facts that its tax authority asks for."""
    with request.transaction() as uow:
        return PayeeYearOut.of(own_payee_year(uow, year or this_year(uow)))


@get("/v1/operator/tax-years", permission=OPERATES, sync_to_thread=True, tags=["operator"])
def get_payee_years(
    request: ApiRequest, paging: Given[Paging], year: YearParameter = None
) -> Response[PageOut[PayeeYearOut]]:
    """Whoever sold something or was paid in a calendar year, each by its own calendar; the newest organization first."""
    with request.transaction() as uow:
        wanted = year or this_year(uow)
        page = list_payee_years(uow, year=wanted, cursor=paging.cursor, limit=paging.limit)
    return linked(page, PayeeYearOut.of, request.scope["path"], year=wanted, limit=paging.limit)


@get("/v1/operator/tax-years/{org_id:uuid}", permission=OPERATES, sync_to_thread=True, tags=["operator"])
def get_one_payee_year(org_id: FromPath[UUID], request: ApiRequest, year: YearParameter = None) -> PayeeYearOut:
    """One payee's year."""
    with request.transaction() as uow:
        return PayeeYearOut.of(get_payee_year(uow, org_id, year or this_year(uow)))


@post(
    "/v1/operator/payee-tax-profiles/{org_id:uuid}/reveal",
    permission=OPERATES,
    sync_to_thread=True,
    status_code=200,
    tags=["operator"],
)
def reveal_payee_tin(org_id: FromPath[UUID], request: ApiRequest) -> RevealedTinOut:
    """A payee's identifier, whole. Who looked is kept in the audit log."""

    def work(uow: UnitOfWork) -> RevealedTinOut:
        row, tin = reveal_tin(uow, org_id, request.services.secrets)
        return RevealedTinOut.of_row(row, tin=tin)

    return request.transact(work)


def state_profile(request: ApiRequest, uow: UnitOfWork, facts: PayeeTaxFacts) -> PayeeTaxProfileRow:
    """For the JSON route and the page alike. Raises as `save_payee_tax_profile`."""
    return to_payee_tax_profile_row(save_payee_tax_profile(uow, facts, request.services.secrets))


def this_year(uow: UnitOfWork) -> int:
    """The present calendar year of the acting organization; for the platform its own."""
    org_id = PLATFORM_ORG_ID if uow.principal.is_platform else uow.principal.organization()
    return clock.today(get_party(uow, org_id).time_zone).year


def _month(year: PayeeYear, row: TaxMonth) -> TaxMonthOut:
    found = year.withholding_of(row)
    return TaxMonthOut.of_row(row, withholding=WithholdingOut.of(found, row.currency) if found is not None else None)


routes = [
    get_payee_tax_profile,
    put_payee_tax_profile,
    get_tax_year,
    get_payee_years,
    get_one_payee_year,
    reveal_payee_tin,
]
