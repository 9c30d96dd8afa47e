"""Links by which a seller's own dealers become its partners."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import Field

from api.auth import PUBLIC
from api.request import ApiRequest
from api.schema import KeyHeader, Out, PageOut, Paging, StrictInt, Wire, idempotent_command, list_page
from api.v1.partner_bodies import PartnerOut
from kernel.db.uow import UnitOfWork
from marketplace.relations.invitation_models import MOST_USES
from marketplace.relations.partner_invitations import (
    MOST_DAYS,
    InvitationRead,
    InviteDealers,
    PartnerInvitationRow,
    accept_invitation,
    invite_dealers,
    list_invitations,
    read_invitation,
    revoke_invitation,
)
from marketplace.relations.partner_links import PARTNER_PERMISSION
from marketplace.relations.partner_queries import get_partner
from marketplace.relations.save_tier import PERMISSION

State = Annotated[str, Meta(description="`open`, `used_up`, `expired` or `revoked`")]


class PartnerInvitationIn(Wire):
    """A link for dealers: their tier, for how many organizations it is good, and for how many days."""

    tier_id: UUID
    name: Annotated[
        str, Field(max_length=80, examples=["Dealers of the north"], description="For whom, in the seller's own words")
    ]
    most_uses: Annotated[StrictInt, Field(ge=1, le=MOST_USES, examples=[50])] = 1
    lasts_days: Annotated[StrictInt, Field(ge=1, le=MOST_DAYS, examples=[14])] = 14


class PartnerInvitationOut(Out):
    """A link as its seller reads it; it is at `/partner-invitations/{code}`."""

    id: UUID
    code: str
    name: str
    tier_id: UUID
    tier_code: str
    tier_name: str
    tier_name_en: str
    state: State
    uses: Annotated[int, Meta(description="Organizations that became partners by it")]
    most_uses: int
    created_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, row: PartnerInvitationRow) -> PartnerInvitationOut:
        """From the query's row."""
        return cls.of_row(row)


class OpenInvitationOut(Out):
    """What a link offers to whoever has it."""

    seller_org_id: UUID
    seller_name: str
    tier_name: str
    tier_name_en: str
    state: State
    expires_at: datetime

    @classmethod
    def of(cls, row: InvitationRead) -> OpenInvitationOut:
        """From the query's row."""
        return cls.of_row(row)


@get("/v1/seller/partner-invitations", permission=PERMISSION, sync_to_thread=True, tags=["seller"])
def get_partner_invitations(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[PartnerInvitationOut]]:
    """The seller's links for dealers, the newest first."""
    return list_page(request, paging, list_invitations, PartnerInvitationOut.of)


@post("/v1/seller/partner-invitations", permission=PERMISSION, refuses=[404], sync_to_thread=True, tags=["seller"])
def post_partner_invitation(
    data: JSONBody[PartnerInvitationIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[PartnerInvitationOut]:
    """Make a link. Whichever organization opens it accepts in one step, and is a partner in the tier."""
    command = InviteDealers(data.tier_id, data.name, data.most_uses, data.lasts_days)

    def work(uow: UnitOfWork) -> PartnerInvitationOut:
        return PartnerInvitationOut.of(invite_dealers(uow, command))

    return idempotent_command(request, idempotency_key, data, work)


@post(
    "/v1/seller/partner-invitations/{partner_invitation_id:uuid}/revocation",
    permission=PERMISSION,
    status_code=204,
    sync_to_thread=True,
    tags=["seller"],
)
def post_partner_invitation_revocation(partner_invitation_id: FromPath[UUID], request: ApiRequest) -> None:
    """Let nobody use the link any more. Who did stays a partner."""
    request.transact(lambda uow: revoke_invitation(uow, partner_invitation_id).id)


@get("/v1/partner-invitations/{code:str}", permission=PUBLIC, sync_to_thread=True, tags=["buying"])
def get_partner_invitation(code: FromPath[str], request: ApiRequest) -> OpenInvitationOut:
    """What a link offers, before it is accepted."""
    with request.transaction() as uow:
        return OpenInvitationOut.of(read_invitation(uow, code))


@post(
    "/v1/partner-invitations/{code:str}/acceptance",
    permission=PARTNER_PERMISSION,
    refuses=[409, 410],
    status_code=200,
    sync_to_thread=True,
    tags=["buying"],
)
def post_partner_invitation_acceptance(code: FromPath[str], request: ApiRequest) -> PartnerOut:
    """Become the seller's partner in the tier. A partner in it already, nothing changes."""

    def work(uow: UnitOfWork) -> PartnerOut:
        return PartnerOut.of(get_partner(uow, accept_invitation(uow, code).id))

    return request.transact(work)


routes = [
    get_partner_invitations,
    post_partner_invitation,
    post_partner_invitation_revocation,
    get_partner_invitation,
    post_partner_invitation_acceptance,
]
