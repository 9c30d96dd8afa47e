"""Organizations: registering one, and reading one's own."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.auth import PUBLIC, SIGNED_IN
from api.request import ApiRequest
from api.schema import CountryIn, Out, ShortText, TimeZoneIn, Wire
from kernel.errors import NotFound
from kernel.principal import Principal
from marketplace.access.add_person import NewPerson
from marketplace.access.authenticate import PRE_AUTH
from marketplace.access.register_organization import RegisterOrganization, register_organization
from marketplace.parties.lookups import get_party


class OwnerIn(Wire):
    """The person who registers."""

    email: Annotated[str, Field(max_length=254)]
    name: Annotated[str, Field(max_length=100)]
    password: Annotated[str, Field(max_length=1024)]


class OrganizationIn(Wire):
    """A new organization and its owner. `tax_id`: China's unified social credit code, Europe's VAT identifier."""

    legal_name: ShortText
    display_name: ShortText
    country: CountryIn
    tax_id: Annotated[str, Field(max_length=40)] | None = None
    locale: Literal["zh-CN", "en"] = "zh-CN"
    time_zone: TimeZoneIn = "Asia/Shanghai"
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


def require_own_organization(principal: Principal, org_id: UUID) -> None:
    """Raises NotFound(`organization_not_found`) for any organization but the acting one."""
    if principal.org_id != org_id:
        raise NotFound("organization_not_found")


routes = [create_organization, get_organization]
