"""Billing profiles (发票抬头) of one's organization."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from litestar import get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter
from pydantic import Field

from api.auth import SIGNED_IN
from api.request import ApiRequest
from api.schema import CountryIn, Out, ShortText, Wire, run_command
from kernel.db.uow import UnitOfWork
from marketplace.parties.lookups import InvoiceTitle, to_invoice_title
from marketplace.parties.models import BillingProfile
from marketplace.parties.postal_address import CITY_MOST, POST_CODE_MOST, STREET_MOST, SUBDIVISION_MOST
from marketplace.parties.queries import list_billing_profiles
from marketplace.parties.save_billing_profile import (
    InvoiceKind,
    PartyType,
    SaveBillingProfile,
    VatStatus,
    choose_default_billing_profile,
    restore_billing_profile,
    retire_billing_profile,
    save_billing_profile,
)

RetiredParameter = Annotated[
    bool, QueryParameter(name="retired", required=False, description="Whether to list retired ones, too")
]


Street = Annotated[str, Field(max_length=STREET_MOST, description="Street and house (BT-35, BT-50)")]
City = Annotated[str, Field(max_length=CITY_MOST, description="Wanted with any other part (BT-37, BT-52)")]
PostCode = Annotated[str, Field(max_length=POST_CODE_MOST, description="BT-38, BT-53")]
Subdivision = Annotated[str, Field(max_length=SUBDIVISION_MOST, description="Province, state or region (BT-39, BT-54)")]


class BillingProfileIn(Wire):
    """An invoice title (发票抬头). Of a bank account only the last four digits are kept."""

    legal_name: ShortText
    tax_id: Annotated[str, Field(max_length=40)] | None = None
    country: CountryIn
    address: Annotated[
        str,
        Field(max_length=400, description="On one line, where its parts are not known; made of them where they are"),
    ] = ""
    street: Street = ""
    city: City = ""
    post_code: PostCode = ""
    subdivision: Subdivision = ""
    email: Annotated[str, Field(max_length=254)]
    bank_name: Annotated[str, Field(max_length=100)] | None = None
    bank_account: Annotated[str, Field(max_length=40)] | None = None
    is_default: bool = False
    party_type: PartyType = "organization"
    phone: Annotated[str, Field(max_length=40)] = ""
    recipient: Annotated[str, Field(max_length=100, description="Who takes care of invoices there (收件人)")] = ""
    invoice_kind: InvoiceKind = Field(
        default="ordinary", description="China: 普通发票 or 专用发票; elsewhere every invoice is an ordinary one"
    )
    vat_status: VatStatus | None = Field(default=None, description="China: 一般纳税人 or 小规模纳税人")
    monthly_invoice: bool | None = Field(
        default=None,
        description="One invoice a month of each seller and currency, of all that is delivered and paid from now on, instead of "
        "one an order; null leaves it as it is. What waits comes at the end of its month, whatever is chosen meanwhile",
    )


class BillingProfileOut(Out):
    """An invoice title. A retired one cannot be bought with; what was bought with it keeps its own copy."""

    id: UUID
    party_type: str
    legal_name: str
    tax_id: str | None
    country: str
    address: str
    street: str
    city: str
    post_code: str
    subdivision: str
    phone: str
    bank_name: str | None
    bank_account_masked: str | None
    email: str
    recipient: str
    invoice_kind: str
    vat_status: str | None
    is_default: bool
    is_retired: bool
    monthly_invoice: bool

    @classmethod
    def of(cls, row: InvoiceTitle) -> BillingProfileOut:
        """From the query's row."""
        return cls.of_row(row)


@get("/v1/billing-profiles", permission=SIGNED_IN, sync_to_thread=True, tags=["people"])
def get_billing_profiles(request: ApiRequest, retired: RetiredParameter = False) -> list[BillingProfileOut]:  # noqa: FBT002 - a query parameter
    """The organization's invoice titles, the default first; with `retired=true` those that are retired at the end."""
    with request.transaction() as uow:
        return [BillingProfileOut.of(row) for row in list_billing_profiles(uow, retired=retired)]


@post("/v1/billing-profiles", permission="billing.manage", sync_to_thread=True, tags=["people"])
def create_billing_profile(data: JSONBody[BillingProfileIn], request: ApiRequest) -> BillingProfileOut:
    """Add an invoice title."""
    return save_profile(request, data, None)


@put("/v1/billing-profiles/{profile_id:uuid}", permission="billing.manage", sync_to_thread=True, tags=["people"])
def update_billing_profile(
    profile_id: FromPath[UUID], data: JSONBody[BillingProfileIn], request: ApiRequest
) -> BillingProfileOut:
    """Change an invoice title; issued invoices keep their own copy."""
    return save_profile(request, data, profile_id)


@post(
    "/v1/billing-profiles/{profile_id:uuid}/default",
    permission="billing.manage",
    sync_to_thread=True,
    status_code=200,
    tags=["people"],
)
def make_default(profile_id: FromPath[UUID], request: ApiRequest) -> BillingProfileOut:
    """Use it wherever none is named."""
    return BillingProfileOut.of(act_on_profile(request, choose_default_billing_profile, profile_id))


@post(
    "/v1/billing-profiles/{profile_id:uuid}/retire",
    permission="billing.manage",
    sync_to_thread=True,
    status_code=200,
    tags=["people"],
)
def retire(profile_id: FromPath[UUID], request: ApiRequest) -> BillingProfileOut:
    """Offer it no more. Invoices and running purchases keep their own copy."""
    return BillingProfileOut.of(act_on_profile(request, retire_billing_profile, profile_id))


@post(
    "/v1/billing-profiles/{profile_id:uuid}/restore",
    permission="billing.manage",
    sync_to_thread=True,
    status_code=200,
    tags=["people"],
)
def restore(profile_id: FromPath[UUID], request: ApiRequest) -> BillingProfileOut:
    """Offer a retired one again."""
    return BillingProfileOut.of(act_on_profile(request, restore_billing_profile, profile_id))


def save_profile(request: ApiRequest, data: BillingProfileIn, profile_id: UUID | None) -> BillingProfileOut:
    """For the JSON route and the page alike. Raises as `save_billing_profile`."""
    command = SaveBillingProfile(**data.model_dump(), id=profile_id)
    return BillingProfileOut.of(request.transact(lambda uow: to_invoice_title(save_billing_profile(uow, command))))


def add_profile_once(request: ApiRequest, data: BillingProfileIn, key: str) -> None:
    """Add a title for the page's form: sent twice, there is one. Raises as `save_billing_profile`, `with_idempotency_key`."""
    command = SaveBillingProfile(**data.model_dump())

    def work(uow: UnitOfWork) -> Out:
        return BillingProfileOut.of(to_invoice_title(save_billing_profile(uow, command)))

    run_command(request, key, data, work, route="POST /v1/billing-profiles")


def act_on_profile(
    request: ApiRequest, act: Callable[[UnitOfWork, UUID], BillingProfile], profile_id: UUID
) -> InvoiceTitle:
    """For the JSON route and the page alike. Raises as `act`."""
    return request.transact(lambda uow: to_invoice_title(act(uow, profile_id)))


routes = [
    get_billing_profiles,
    create_billing_profile,
    update_billing_profile,
    make_default,
    retire,
    restore,
]
