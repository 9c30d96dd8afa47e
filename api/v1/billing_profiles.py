"""Billing profiles (发票抬头) of one's organization."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import get, post, put
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.auth import SIGNED_IN
from api.request import ApiRequest
from api.schema import CountryIn, Out, ShortText, Wire
from marketplace.parties.lookups import InvoiceTitle, to_invoice_title
from marketplace.parties.queries import list_billing_profiles
from marketplace.parties.save_billing_profile import SaveBillingProfile, save_billing_profile


class BillingProfileIn(Wire):
    """An invoice title (发票抬头). Of a bank account only the last four digits are kept."""

    legal_name: ShortText
    tax_id: Annotated[str, Field(max_length=40)] | None = None
    country: CountryIn
    address: Annotated[str, Field(max_length=400)] = ""
    email: Annotated[str, Field(max_length=254)]
    bank_name: Annotated[str, Field(max_length=100)] | None = None
    bank_account: Annotated[str, Field(max_length=40)] | None = None
    is_default: bool = False


class BillingProfileOut(Out):
    """An invoice title."""

    id: UUID
    legal_name: str
    tax_id: str | None
    country: str
    address: str
    bank_name: str | None
    bank_account_masked: str | None
    email: str
    is_default: bool

    @classmethod
    def of(cls, row: InvoiceTitle) -> BillingProfileOut:
        """From the query's row."""
        return cls.of_row(row)


@get("/v1/billing-profiles", permission=SIGNED_IN, sync_to_thread=True, tags=["people"])
def get_billing_profiles(request: ApiRequest) -> list[BillingProfileOut]:
    """The organization's invoice titles, the default first."""
    with request.transaction() as uow:
        return [BillingProfileOut.of(row) for row in list_billing_profiles(uow)]


@post("/v1/billing-profiles", permission="billing.manage", sync_to_thread=True, tags=["people"])
def create_billing_profile(data: JSONBody[BillingProfileIn], request: ApiRequest) -> BillingProfileOut:
    """Add an invoice title."""
    return _save_profile(request, data, None)


@put("/v1/billing-profiles/{profile_id:uuid}", permission="billing.manage", sync_to_thread=True, tags=["people"])
def update_billing_profile(
    profile_id: FromPath[UUID], data: JSONBody[BillingProfileIn], request: ApiRequest
) -> BillingProfileOut:
    """Change an invoice title; issued invoices keep their own copy."""
    return _save_profile(request, data, profile_id)


def _save_profile(request: ApiRequest, data: BillingProfileIn, profile_id: UUID | None) -> BillingProfileOut:
    command = SaveBillingProfile(**data.model_dump(), id=profile_id)
    return BillingProfileOut.of(request.transact(lambda uow: to_invoice_title(save_billing_profile(uow, command))))


routes = [get_billing_profiles, create_billing_profile, update_billing_profile]
