"""Handing an organization over to a member, who has to accept."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import delete, get, post
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.auth import SIGNED_IN
from api.request import ApiRequest
from api.schema import Wire
from api.v1.organizations import require_own_organization
from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden
from marketplace.access.authenticate import PRE_AUTH
from marketplace.access.ownership import (
    OfferOwnership,
    TransferRow,
    accept_ownership,
    decline_ownership,
    list_offered,
    list_own_offers,
    offer_ownership,
    withdraw_ownership,
)


class TransferIn(Wire):
    """To which member, and the role that one keeps oneself."""

    member_id: UUID
    keeps: Annotated[str, Field(max_length=20)]


@get(
    "/v1/organizations/{org_id:uuid}/ownership-transfers",
    permission="members.manage",
    sync_to_thread=True,
    tags=["people"],
)
def get_ownership_transfers(org_id: FromPath[UUID], request: ApiRequest) -> list[TransferRow]:
    """One's own open offer of one's own organization."""
    require_own_organization(request.principal, org_id)
    with request.transaction() as uow:
        return list_own_offers(uow)


@post(
    "/v1/organizations/{org_id:uuid}/ownership-transfers",
    permission="members.manage",
    refuses=[409, 429],
    sync_to_thread=True,
    tags=["people"],
)
def create_ownership_transfer(
    org_id: FromPath[UUID], data: JSONBody[TransferIn], request: ApiRequest
) -> list[TransferRow]:
    """Offer the ownership to a member, by mail. Nothing changes before they accept; offered to another, the first offer ends."""
    require_own_organization(request.principal, org_id)

    def work(uow: UnitOfWork) -> list[TransferRow]:
        offer_ownership(uow, OfferOwnership(data.member_id, data.keeps))
        return list_own_offers(uow)

    return request.transact(work)


@delete(
    "/v1/organizations/{org_id:uuid}/ownership-transfers/{transfer_id:uuid}",
    permission="members.manage",
    refuses=[409],
    sync_to_thread=True,
    tags=["people"],
)
def delete_ownership_transfer(org_id: FromPath[UUID], transfer_id: FromPath[UUID], request: ApiRequest) -> None:
    """Take one's own offer back."""
    require_own_organization(request.principal, org_id)
    request.transact(lambda uow: withdraw_ownership(uow, transfer_id))


@get("/v1/me/ownership-transfers", permission=SIGNED_IN, sync_to_thread=True, tags=["people"])
def get_offered_ownerships(request: ApiRequest) -> list[TransferRow]:
    """Organizations whose ownership is offered to one."""
    return offered_to_self(request)


@post(
    "/v1/me/ownership-transfers/{transfer_id:uuid}/acceptance",
    permission=SIGNED_IN,
    refuses=[409],
    status_code=204,
    sync_to_thread=True,
    tags=["people"],
)
def accept_offered_ownership(transfer_id: FromPath[UUID], request: ApiRequest) -> None:
    """Become the owner; whoever offered it keeps the role they chose, from the same moment."""
    accept_transfer(request, transfer_id)


@post(
    "/v1/me/ownership-transfers/{transfer_id:uuid}/refusal",
    permission=SIGNED_IN,
    refuses=[409],
    status_code=204,
    sync_to_thread=True,
    tags=["people"],
)
def decline_offered_ownership(transfer_id: FromPath[UUID], request: ApiRequest) -> None:
    """Say no; nothing changes."""
    decline_transfer(request, transfer_id)


def offered_to_self(request: ApiRequest) -> list[TransferRow]:
    """For the JSON route and the page alike."""
    person_id = _person(request)
    with request.transaction(acting_as=PRE_AUTH) as uow:
        return list_offered(uow, person_id)


def accept_transfer(request: ApiRequest, transfer_id: UUID) -> None:
    """For the JSON route and the page alike. Raises as `accept_ownership`."""
    person_id = _person(request)
    request.transact(lambda uow: accept_ownership(uow, transfer_id, person_id), acting_as=PRE_AUTH)


def decline_transfer(request: ApiRequest, transfer_id: UUID) -> None:
    """For the JSON route and the page alike. Raises as `decline_ownership`."""
    person_id = _person(request)
    request.transact(lambda uow: decline_ownership(uow, transfer_id, person_id), acting_as=PRE_AUTH)


def _person(request: ApiRequest) -> UUID:
    if request.signed_in is None:
        raise Forbidden("person_required")
    return request.signed_in.principal.person()


routes = [
    get_ownership_transfers,
    create_ownership_transfer,
    delete_ownership_transfer,
    get_offered_ownerships,
    accept_offered_ownership,
    decline_offered_ownership,
]
