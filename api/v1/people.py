"""Organizations, members, billing profiles, API keys, and the seller's checklist."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar import delete, get, patch, post, put
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.auth import PUBLIC, SIGNED_IN
from api.request import ApiRequest
from api.schema import Out, UtcIn, Wire
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.principal import Principal
from marketplace.access.add_person import NewPerson
from marketplace.access.api_keys import ApiKeyRow, MintApiKey, list_api_keys, mint_api_key, revoke_api_key
from marketplace.access.authenticate import PRE_AUTH
from marketplace.access.members import AddMember, MemberRow, add_member, change_roles, list_members, remove_member
from marketplace.access.register_organization import RegisterOrganization, register_organization
from marketplace.parties.complete_onboarding_step import CompleteOnboardingStep, complete_onboarding_step
from marketplace.parties.lookups import InvoiceTitle, get_party, to_invoice_title
from marketplace.parties.queries import Checklist, get_checklist, list_billing_profiles
from marketplace.parties.save_billing_profile import SaveBillingProfile, save_billing_profile

Short = Annotated[str, Field(max_length=200)]
Roles = Annotated[list[Annotated[str, Field(max_length=20)]], Field(min_length=1, max_length=8)]


class OwnerIn(Wire):
    """The person who registers."""

    email: Annotated[str, Field(max_length=254)]
    name: Annotated[str, Field(max_length=100)]
    password: Annotated[str, Field(max_length=1024)]


class OrganizationIn(Wire):
    """A new organization and its owner. `tax_id`: China's unified social credit code, Europe's VAT identifier."""

    legal_name: Short
    display_name: Short
    country: Annotated[str, Field(min_length=2, max_length=2)]
    tax_id: Annotated[str, Field(max_length=40)] | None = None
    locale: Literal["zh-CN", "en"] = "zh-CN"
    time_zone: Annotated[str, Field(max_length=60)] = "Asia/Shanghai"
    is_seller: bool = False
    address: Annotated[str, Field(max_length=400)] = ""
    owner: OwnerIn


class RegisteredOut(Out):
    """The ids of what was made."""

    org_id: UUID
    person_id: UUID


class OrganizationOut(Out):
    """An organization as invoices name it."""

    org_id: UUID
    legal_name: str
    display_name: str
    country: str
    tax_id: str | None
    locale: str
    time_zone: str
    is_seller: bool


class MemberIn(Wire):
    """Somebody to add. `name` and `initial_password` only for an address that is new here."""

    email: Annotated[str, Field(max_length=254)]
    roles: Roles
    name: Annotated[str, Field(max_length=100)] = ""
    initial_password: Annotated[str, Field(max_length=1024)] = ""


class RolesIn(Wire):
    """A member's roles from now on."""

    roles: Roles


class BillingProfileIn(Wire):
    """An invoice title (发票抬头). Of a bank account only the last four digits are kept."""

    legal_name: Short
    tax_id: Annotated[str, Field(max_length=40)] | None = None
    country: Annotated[str, Field(min_length=2, max_length=2)]
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


class ApiKeyIn(Wire):
    """A key to make, with some of one's own permissions."""

    name: Annotated[str, Field(max_length=100)]
    scopes: Annotated[list[Annotated[str, Field(max_length=40)]], Field(min_length=1, max_length=40)]
    expires_at: UtcIn | None = None


class MintedOut(Out):
    """The new key. `key` is shown this once."""

    id: UUID
    prefix: str
    key: str


class OnboardingIn(Wire):
    """What a step needs: bank holder, name and account; the version of the agreement accepted."""

    bank_holder: Short = ""
    bank_name: Short = ""
    bank_account: Annotated[str, Field(max_length=40)] = ""
    agreement_version: Annotated[str, Field(max_length=20)] = ""


class OnboardingOut(Out):
    """The checklist; nothing can be published while `missing` is not empty."""

    missing: list[str]
    bank_holder: str | None
    bank_name: str | None
    bank_account_masked: str | None
    agreement_version: str
    completed_at: datetime | None

    @classmethod
    def of(cls, row: Checklist) -> OnboardingOut:
        """From the query's row."""
        return cls.of_row(row)


@post("/v1/organizations", permission=PUBLIC, sync_to_thread=True, tags=["people"])
def create_organization(data: JSONBody[OrganizationIn], request: ApiRequest) -> RegisteredOut:
    """Register an organization with its owner; sign in afterwards."""
    command = RegisterOrganization(
        legal_name=data.legal_name,
        display_name=data.display_name,
        country=data.country,
        tax_id=data.tax_id,
        owner=NewPerson(data.owner.email, data.owner.name, data.owner.password, data.locale),
        locale=data.locale,
        time_zone=data.time_zone,
        is_seller=data.is_seller,
        address=data.address,
        email=data.owner.email,
    )
    made = request.transact(lambda uow: register_organization(uow, command), acting_as=PRE_AUTH)
    return RegisteredOut(org_id=made.org_id, person_id=made.person_id)


@get("/v1/organizations/{org_id:uuid}", permission=SIGNED_IN, sync_to_thread=True, tags=["people"])
def get_organization(org_id: FromPath[UUID], request: ApiRequest) -> OrganizationOut:
    """One's own organization, or a seller."""
    with request.transaction() as uow:
        return OrganizationOut.of_row(get_party(uow, org_id))


@get("/v1/organizations/{org_id:uuid}/members", permission=SIGNED_IN, sync_to_thread=True, tags=["people"])
def get_members(org_id: FromPath[UUID], request: ApiRequest) -> list[MemberRow]:
    """The members of one's own organization."""
    _own(request.principal, org_id)
    with request.transaction() as uow:
        return list_members(uow)


@post("/v1/organizations/{org_id:uuid}/members", permission="members.manage", sync_to_thread=True, tags=["people"])
def create_member(org_id: FromPath[UUID], data: JSONBody[MemberIn], request: ApiRequest) -> MemberRow:
    """Add a member."""
    _own(request.principal, org_id)
    command = AddMember(data.email, data.roles, data.name, data.initial_password)
    return _member(request, lambda uow: add_member(uow, command).id)


@patch(
    "/v1/organizations/{org_id:uuid}/members/{member_id:uuid}",
    permission="members.manage",
    sync_to_thread=True,
    tags=["people"],
)
def update_member(
    org_id: FromPath[UUID],
    member_id: FromPath[UUID],
    data: JSONBody[RolesIn],
    request: ApiRequest,
) -> MemberRow:
    """Give a member other roles; their next request is judged by them."""
    _own(request.principal, org_id)

    def work(uow: UnitOfWork) -> UUID:
        change_roles(uow, member_id, data.roles)
        return member_id

    return _member(request, work)


@delete(
    "/v1/organizations/{org_id:uuid}/members/{member_id:uuid}",
    permission="members.manage",
    sync_to_thread=True,
    tags=["people"],
)
def delete_member(org_id: FromPath[UUID], member_id: FromPath[UUID], request: ApiRequest) -> None:
    """End a membership."""
    _own(request.principal, org_id)
    request.transact(lambda uow: remove_member(uow, member_id))


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


@get("/v1/api-keys", permission="keys.manage", sync_to_thread=True, tags=["people"])
def get_api_keys(request: ApiRequest) -> list[ApiKeyRow]:
    """The organization's keys, newest first."""
    with request.transaction() as uow:
        return list_api_keys(uow)


@post("/v1/api-keys", permission="keys.manage", sync_to_thread=True, tags=["people"])
def create_api_key(data: JSONBody[ApiKeyIn], request: ApiRequest) -> MintedOut:
    """Make a key; its secret is shown this once."""
    command = MintApiKey(data.name, data.scopes, data.expires_at)
    made = request.transact(lambda uow: mint_api_key(uow, command))
    return MintedOut(id=made.id, prefix=made.prefix, key=made.text)


@delete("/v1/api-keys/{key_id:uuid}", permission="keys.manage", sync_to_thread=True, tags=["people"])
def delete_api_key(key_id: FromPath[UUID], request: ApiRequest) -> None:
    """Revoke a key; its next request is refused."""
    request.transact(lambda uow: revoke_api_key(uow, key_id))


@get("/v1/onboarding", permission=SIGNED_IN, sync_to_thread=True, tags=["people"])
def get_onboarding(request: ApiRequest) -> OnboardingOut:
    """The seller's checklist and what is missing of it."""
    with request.transaction() as uow:
        return OnboardingOut.of(get_checklist(uow))


@post("/v1/onboarding/{step:str}", permission="members.manage", sync_to_thread=True, status_code=200, tags=["people"])
def complete_step(
    step: FromPath[Literal["legal", "bank", "tax", "agreement"]],
    data: JSONBody[OnboardingIn],
    request: ApiRequest,
) -> OnboardingOut:
    """Do a step. `connector` does itself when a connector's test has passed."""
    command = CompleteOnboardingStep(step, data.bank_holder, data.bank_name, data.bank_account, data.agreement_version)

    def work(uow: UnitOfWork) -> OnboardingOut:
        complete_onboarding_step(uow, command)
        uow.flush()
        return OnboardingOut.of(get_checklist(uow))

    return request.transact(work)


def _own(principal: Principal, org_id: UUID) -> None:
    if principal.org_id != org_id:
        raise NotFound("organization_not_found")


def _member(request: ApiRequest, work: Callable[[UnitOfWork], UUID]) -> MemberRow:
    """Change a member and answer what became of them, in one transaction."""

    def change(uow: UnitOfWork) -> MemberRow:
        member_id = work(uow)
        uow.flush()
        return next(row for row in list_members(uow) if row.id == member_id)

    return request.transact(change)


def _save_profile(request: ApiRequest, data: BillingProfileIn, profile_id: UUID | None) -> BillingProfileOut:
    command = SaveBillingProfile(**data.model_dump(), id=profile_id)
    return BillingProfileOut.of(request.transact(lambda uow: to_invoice_title(save_billing_profile(uow, command))))


routes = [
    create_organization,
    get_organization,
    get_members,
    create_member,
    update_member,
    delete_member,
    get_billing_profiles,
    create_billing_profile,
    update_billing_profile,
    get_api_keys,
    create_api_key,
    delete_api_key,
    get_onboarding,
    complete_step,
]
