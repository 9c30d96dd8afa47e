"""Deputies: who decides purchases in whose place, and until when."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from litestar import delete, get, post
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.request import ApiRequest
from api.schema import Out, Wire
from kernel.db.uow import UnitOfWork
from orders.approval_rules.deputies import AppointDeputy, appoint_deputy, list_deputies, revoke_deputy


class DeputyIn(Wire):
    """A colleague to decide in one's own place."""

    deputy_id: UUID = Field(description="The person: a member who may see purchases")
    starts_on: date
    ends_on: date = Field(description="The last day, in the organization's time zone")


class DeputyOut(Out):
    """A delegation that is not over."""

    id: UUID
    person_id: UUID
    person_name: str
    deputy_id: UUID
    deputy_name: str
    starts_on: date
    ends_on: date


@get("/v1/approval-deputies", permission="orders.read", sync_to_thread=True, tags=["buying"])
def get_deputies(request: ApiRequest) -> list[DeputyOut]:
    """Delegations that are not over: one's own and those to oneself; all of them for who manages members."""
    with request.transaction() as uow:
        return [DeputyOut.of_row(one) for one in list_deputies(uow)]


@post("/v1/approval-deputies", permission="orders.read", sync_to_thread=True, tags=["buying"])
def post_deputy(data: JSONBody[DeputyIn], request: ApiRequest) -> DeputyOut:
    """Let a colleague decide in one's own place. They decide nothing that one could not decide oneself."""
    command = AppointDeputy(data.deputy_id, data.starts_on, data.ends_on)

    def work(uow: UnitOfWork) -> DeputyOut:
        appointed = appoint_deputy(uow, command)
        return next(DeputyOut.of_row(one) for one in list_deputies(uow) if one.id == appointed.id)

    return request.transact(work)


@delete(
    "/v1/approval-deputies/{deputy_id:uuid}",
    permission="orders.read",
    sync_to_thread=True,
    status_code=204,
    tags=["buying"],
)
def delete_deputy(deputy_id: FromPath[UUID], request: ApiRequest) -> None:
    """End a delegation at once."""
    request.transact(lambda uow: revoke_deputy(uow, deputy_id))


routes = [get_deputies, post_deputy, delete_deputy]
