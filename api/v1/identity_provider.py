"""By which provider an organization's members sign in, and which domains' addresses it may name."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import delete, get, post, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import Field

from api.auth import PUBLIC
from api.provider_sign_in import provider_client, redirect_uri
from api.request import ApiRequest
from api.schema import Out, Wire
from kernel.errors import Conflict, Invalid, NotFound, Unavailable
from marketplace.access.authenticate import PRE_AUTH
from marketplace.identity_providers.email_domains import (
    DomainView,
    claim_domain,
    decide_domain,
    list_domains,
    remove_domain,
    waiting_domains,
)
from marketplace.identity_providers.prove_domain import begin_check, prove_domain
from marketplace.identity_providers.provider_sign_in import find_provider_for
from marketplace.identity_providers.set_provider import (
    ProviderView,
    SetProvider,
    find_provider,
    remove_provider,
    require_owner,
    set_provider,
)

MANAGE = "members.manage"


class ProviderIn(Wire):
    """An OpenID Connect provider, with the client that was registered there for this market."""

    issuer: Annotated[str, Field(min_length=1, max_length=500)] = Field(
        description="As its discovery document says it, letter by letter", examples=["https://login.example.com/tenant"]
    )
    client_id: Annotated[str, Field(min_length=1, max_length=255)]
    client_secret: Annotated[str, Field(max_length=500)] = Field(default="", description="Empty keeps the one there is")
    default_role: Annotated[str, Field(max_length=40)] | None = Field(
        default=None, description="In which role whoever signs in becomes a member; null: only who was invited"
    )
    is_required: bool = Field(
        default=False,
        description="Whether members other than owners act for the organization only when signed in by it",
    )


class ProviderOut(Out):
    """The organization's provider; its secret is never shown."""

    id: UUID
    issuer: str
    client_id: str
    default_role: str | None
    is_required: bool
    redirect_uri: Annotated[str, Meta(description="To be registered with the provider")]

    @classmethod
    def of(cls, view: ProviderView, request: ApiRequest) -> ProviderOut:
        """From the query's row."""
        return cls.of_row(view, redirect_uri=redirect_uri(request))


class DomainIn(Wire):
    """A domain of the organization's own, whose addresses its provider may name."""

    domain: Annotated[str, Field(min_length=1, max_length=255)] = Field(examples=["firm.example"])


class DomainRecordOut(Out):
    """The text record by which a domain's owner proves a claim to it."""

    name: str
    value: str


class DomainOut(Out):
    """A claim to a domain: `pending` until it is proved by its record, or the platform looked at it."""

    id: UUID
    domain: str
    state: str
    created_at: datetime
    record: Annotated[
        DomainRecordOut | None,
        Meta(description="To be published; null where the platform's people look at every claim"),
    ]

    @classmethod
    def of(cls, view: DomainView, request: ApiRequest) -> DomainOut:
        """From the query's row."""
        record = DomainRecordOut(name=view.record_name, value=view.record_value)
        return cls.of_row(view, record=record if request.services.txt_resolver else None)


class WaitingDomainOut(Out):
    """A claim to be looked at."""

    id: UUID
    org_id: UUID
    organization: str
    domain: str
    state: str
    created_at: datetime


class DomainDecisionIn(Wire):
    """The platform's word."""

    approve: bool


class ProviderLookupIn(Wire):
    """Somebody's address."""

    email: Annotated[str, Field(min_length=3, max_length=254)]


class SignInProviderOut(Out):
    """Where people of an address sign in."""

    organization: str
    issuer: str
    start_path: Annotated[str, Meta(description="To be opened in a browser")]


@get("/v1/identity-provider", permission=MANAGE, refuses=[404], sync_to_thread=True, tags=["people"])
def get_identity_provider(request: ApiRequest) -> ProviderOut:
    """The organization's own provider."""
    with request.transaction() as uow:
        found = find_provider(uow)
    if found is None:
        raise NotFound("provider_not_found")
    return ProviderOut.of(found, request)


@put("/v1/identity-provider", permission=MANAGE, sync_to_thread=True, tags=["people"])
def put_identity_provider(data: JSONBody[ProviderIn], request: ApiRequest) -> ProviderOut:
    """Set it, after a look at what it publishes. Owners only: its word signs in owners, too."""
    return ProviderOut.of(save_provider(request, SetProvider(**data.model_dump())), request)


def save_provider(request: ApiRequest, command: SetProvider) -> ProviderView:
    """For the JSON route and the page alike: its discovery document is read with no transaction open.

    Raises as `require_owner`, `ProviderClient.discover` (an unreachable one as Invalid) and `set_provider`.
    """
    with request.transaction() as uow:
        require_owner(uow)
    try:
        provider_client(request).discover(command.issuer)
    except Unavailable as error:
        # Who typed a wrong address has to hear of it as of any wrong value.
        raise Invalid(error.code, field="issuer") from error
    return request.transact(lambda uow: set_provider(uow, request.services.secrets, command))


@delete(
    "/v1/identity-provider", permission=MANAGE, refuses=[404], sync_to_thread=True, status_code=204, tags=["people"]
)
def delete_identity_provider(request: ApiRequest) -> None:
    """Everybody signs in by password again."""
    request.transact(remove_provider)


@get("/v1/email-domains", permission=MANAGE, sync_to_thread=True, tags=["people"])
def get_email_domains(request: ApiRequest) -> list[DomainOut]:
    """The domains that the organization says are its own."""
    with request.transaction() as uow:
        return [DomainOut.of(one, request) for one in list_domains(uow)]


@post("/v1/email-domains", permission=MANAGE, refuses=[429], sync_to_thread=True, tags=["people"])
def post_email_domain(data: JSONBody[DomainIn], request: ApiRequest) -> DomainOut:
    """Claim a domain; its record proves it, or the platform looks at it, before a provider's word on its addresses counts."""
    return request.transact(lambda uow: DomainOut.of(claim_domain(uow, data.domain), request))


@post(
    "/v1/email-domains/{domain_id:uuid}/check",
    permission=MANAGE,
    refuses=[409, 429],
    sync_to_thread=True,
    status_code=200,
    tags=["people"],
)
def check_email_domain(domain_id: FromPath[UUID], request: ApiRequest) -> DomainOut:
    """Look for the claim's text record in the domain name system; found, the claim is approved at once."""
    return DomainOut.of(check_domain(request, domain_id), request)


def check_domain(request: ApiRequest, domain_id: UUID) -> DomainView:
    """For the JSON route and the page alike: name servers are asked with no transaction open.

    Raises as `begin_check`, `TxtResolver.find_txt` and `prove_domain`; Conflict `domain_proof_off` without a resolver.
    """
    resolver = request.services.txt_resolver
    claim = request.transact(lambda uow: begin_check(uow, domain_id))
    if resolver is None:
        raise Conflict("domain_proof_off")
    published = resolver.find_txt(claim.record_name)
    return request.transact(lambda uow: prove_domain(uow, domain_id, published))


@delete("/v1/email-domains/{domain_id:uuid}", permission=MANAGE, sync_to_thread=True, status_code=204, tags=["people"])
def delete_email_domain(domain_id: FromPath[UUID], request: ApiRequest) -> None:
    """Take a claim back."""
    request.transact(lambda uow: remove_domain(uow, domain_id))


@get("/v1/operator/email-domains", permission="operator.reviews", sync_to_thread=True, tags=["operator"])
def list_waiting_domains(request: ApiRequest) -> list[WaitingDomainOut]:
    """Claims to domains that wait for the platform's word, the oldest first."""
    with request.transaction() as uow:
        return [WaitingDomainOut.of_row(one) for one in waiting_domains(uow)]


@post(
    "/v1/operator/email-domains/{domain_id:uuid}",
    permission="operator.reviews",
    sync_to_thread=True,
    status_code=200,
    tags=["operator"],
)
def post_domain_decision(
    domain_id: FromPath[UUID], data: JSONBody[DomainDecisionIn], request: ApiRequest
) -> WaitingDomainOut:
    """Approve or refuse a claim, having seen whose domain it is."""
    return request.transact(lambda uow: WaitingDomainOut.of_row(decide_domain(uow, domain_id, approve=data.approve)))


@post(
    "/v1/sign-in-providers/lookup",
    permission=PUBLIC,
    refuses=[404],
    sync_to_thread=True,
    status_code=200,
    tags=["people"],
)
def lookup_sign_in_provider(data: JSONBody[ProviderLookupIn], request: ApiRequest) -> SignInProviderOut:
    """By which provider people of an address's domain sign in; 404 where they do so by password."""
    found = request.transact(lambda uow: find_provider_for(uow, data.email), acting_as=PRE_AUTH)
    return SignInProviderOut(
        organization=found.organization, issuer=found.issuer, start_path=f"/sign-in/provider/{found.id}"
    )


routes = [
    get_identity_provider,
    put_identity_provider,
    delete_identity_provider,
    get_email_domains,
    post_email_domain,
    check_email_domain,
    delete_email_domain,
    list_waiting_domains,
    post_domain_decision,
    lookup_sign_in_provider,
]
