"""Organizations: registering one, and reading one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from pydantic import Field

from api.auth import SIGNED_IN
from api.request import ApiRequest
from api.schema import CountryIn, Out, ShortText, TimeZoneIn, Wire
from api.v1.billing_profiles import City, PostCode, Street, Subdivision
from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden, NotFound
from kernel.principal import Principal
from marketplace.access.authenticate import PRE_AUTH
from marketplace.access.find_organizations import find_organizations
from marketplace.access.identity_limits import count_registration
from marketplace.access.register_organization import Registered, RegisterOrganization, register_organization
from marketplace.parties.lookups import get_party


class OrganizationIn(Wire):
    """A new organization. `tax_id`: China's unified social credit code, Europe's VAT identifier."""

    legal_name: ShortText
    display_name: ShortText
    country: CountryIn
    tax_id: Annotated[str, Field(max_length=40)] | None = None
    locale: Literal["zh-CN", "en"] = "zh-CN"
    time_zone: TimeZoneIn = "Asia/Shanghai"
    is_seller: bool = False
    address: Annotated[str, Field(max_length=400, description="On one line, where its parts are not known")] = ""
    street: Street = ""
    city: City = ""
    post_code: PostCode = ""
    subdivision: Subdivision = ""


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


class FoundOrganizationOut(Out):
    """An organization that was found by its name or identifier; `id` is the number by which it is made a partner."""

    id: UUID
    legal_name: str
    display_name: str
    country: str


class FoundOrganizationsOut(Out):
    """At most ten: who looks for one writes more of its name."""

    items: Sequence[FoundOrganizationOut]


@post("/v1/organizations", permission=SIGNED_IN, refuses=[409, 429], sync_to_thread=True, tags=["people"])
def create_organization(data: JSONBody[OrganizationIn], request: ApiRequest) -> RegisteredOut:
    """Register another organization of the signed-in person, who owns it. Newcomers begin with `POST /v1/sign-ups`."""
    return register_own(request, registration(data))


def registration(data: OrganizationIn) -> RegisterOrganization:
    """As the command takes it; who owns it is filled in by who is signed in, or has just proved their mailbox."""
    return RegisterOrganization(
        legal_name=data.legal_name,
        display_name=data.display_name,
        country=data.country,
        tax_id=data.tax_id,
        locale=data.locale,
        time_zone=data.time_zone,
        is_seller=data.is_seller,
        address=data.address,
        street=data.street,
        city=data.city,
        post_code=data.post_code,
        subdivision=data.subdivision,
    )


def register_own(request: ApiRequest, command: RegisterOrganization) -> RegisteredOut:
    """For the JSON route and the page alike.

    Raises: as `register_organization` and `count_registration`; Forbidden `person_required` for keys.
    """
    signed_in = request.signed_in
    if signed_in is None:
        raise Forbidden("person_required")
    owned = replace(command, owner=signed_in.principal.person(), email=signed_in.email)
    person_id = signed_in.principal.person()

    def work(uow: UnitOfWork) -> Registered:
        count_registration(uow, person_id)
        return register_organization(uow, owned)

    made = request.transact(work, acting_as=PRE_AUTH)
    return RegisteredOut(org_id=made.org_id, person_id=made.person_id)


@get("/v1/organizations/{org_id:uuid}", permission=SIGNED_IN, sync_to_thread=True, tags=["people"])
def get_organization(org_id: FromPath[UUID], request: ApiRequest) -> OrganizationOut:
    """One's own organization, or a seller."""
    with request.transaction() as uow:
        return OrganizationOut.of_row(get_party(uow, org_id))


@get("/v1/organizations", permission=SIGNED_IN, refuses=[429], sync_to_thread=True, tags=["people"])
def get_organizations(
    request: ApiRequest,
    q: Annotated[
        str,
        QueryParameter(max_length=200, description="The beginning of a legal name, or a whole tax identifier"),
    ],
) -> FoundOrganizationsOut:
    """Find an organization whose identity was verified. Nobody's tax identifier is told, and lookups are limited."""
    found = request.transact(lambda uow: find_organizations(uow, q))
    return FoundOrganizationsOut(items=[FoundOrganizationOut.of_row(one) for one in found])


def require_own_organization(principal: Principal, org_id: UUID) -> None:
    """Raises NotFound(`organization_not_found`) for any organization but the acting one."""
    if principal.org_id != org_id:
        raise NotFound("organization_not_found")


routes = [create_organization, get_organizations, get_organization]
