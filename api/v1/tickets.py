"""Support tickets: the buyer's side, the seller's board, and what the platform sees waiting too long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, get, post, put
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency as Given
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, JSONBody, QueryParameter
from pydantic import BaseModel, ConfigDict, Field

from api.auth import SIGNED_IN
from api.conversation_files import keep_upload, sent_file
from api.known_values import state_in
from api.request import ApiRequest
from api.schema import KeyHeader, Out, PageOut, Paging, StrictInt, Wire, idempotent_command, list_page, unchanged
from api.v1.milestones import FORM_OVERHEAD
from api.v1.reliability_out import ResponseTimeOut, ShownResponseTimeOut
from kernel.db.uow import UnitOfWork
from marketplace.service_windows.response_time import shown_response_time
from orders.conversations.sides import MANAGE
from orders.milestones.file_types import MAX_BYTES
from orders.tickets.hand_over import MAX_NOTE, hand_ticket_over, take_ticket
from orders.tickets.models import TICKET
from orders.tickets.queries import (
    Assigned,
    SellerTicketView,
    TicketFigures,
    TicketHandoverView,
    TicketMessageView,
    TicketView,
    find_ticket,
    find_ticket_file,
    get_seller_ticket,
    get_ticket,
    list_escalated_tickets,
    list_own_tickets,
    list_seller_tickets,
    own_ticket_figures,
    ticket_handovers,
    ticket_messages,
)
from orders.tickets.work_ticket import (
    MAX_RATING_TEXT,
    MAX_SUBJECT,
    OpenTicket,
    close_ticket,
    open_ticket,
    write_on_ticket,
)

Words = Annotated[str, Field(min_length=1, max_length=4_000, examples=["第 12 席位无法登录，提示没有权限。"])]


class TicketIn(Wire):
    """What help is needed with on an order, how badly, and in which words."""

    order_id: UUID
    subject: Annotated[str, Field(min_length=1, max_length=MAX_SUBJECT, examples=["席位无法登录"])]
    text: Words
    severity: Annotated[Literal["low", "normal", "high", "critical"], Field(examples=["high"])] = "normal"


class TicketWordsIn(Wire):
    """Words to the other side. `resolves`: by the seller, that they settle it."""

    text: Words
    resolves: bool = False


class TicketRatingIn(Wire):
    """How one was helped, from 1 to 5, with words or without; null for no rating."""

    rating: Annotated[StrictInt, Field(ge=1, le=5, examples=[5])] | None = None
    text: Annotated[str, Field(max_length=MAX_RATING_TEXT)] = ""


class TicketAssigneeIn(Wire):
    """Who takes care of it from now on, null for nobody. `note`: to the seller's own people."""

    person_id: UUID | None
    note: Annotated[str, Field(max_length=MAX_NOTE, examples=["客户已回传日志。"])] = ""


class TicketFileForm(BaseModel):
    """The file as the part `file` of a multipart form, with words beside it."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    file: UploadFile
    text: str = ""


class TicketThreadOut(Out):
    """A ticket with the latest of what was written, the oldest first."""

    ticket: TicketView
    messages: Sequence[TicketMessageView]


class SellerTicketOut(Out):
    """A ticket as its seller works with it: who takes care of it, and who did before."""

    ticket: TicketView
    assigned_to: UUID | None
    assigned_name: str | None
    handovers: Sequence[TicketHandoverView]


StateFilter = Annotated[str | None, state_in(TICKET.states)]


@get("/v1/tickets", permission=SIGNED_IN, sync_to_thread=True, tags=["buying"])
def get_tickets(request: ApiRequest, paging: Given[Paging], only: StateFilter = None) -> Response[PageOut[TicketView]]:
    """The organization's tickets, the latest message first."""
    return list_page(request, paging, list_own_tickets, unchanged, state=only)


@post("/v1/tickets", permission=SIGNED_IN, refuses=[403, 404, 409, 429], sync_to_thread=True, tags=["buying"])
def post_ticket(data: JSONBody[TicketIn], request: ApiRequest, idempotency_key: KeyHeader) -> Response[TicketThreadOut]:
    """Ask the seller of a paid order for help. `first_due_at` says by when it answers, in its hours of service."""

    def work(uow: UnitOfWork) -> TicketThreadOut:
        return ticket_thread(uow, open_ticket(uow, command_of(data)).id)

    return idempotent_command(request, idempotency_key, data, work)


@get("/v1/tickets/{ticket_id:uuid}", permission=SIGNED_IN, sync_to_thread=True, tags=["buying"])
def get_one_ticket(ticket_id: FromPath[UUID], request: ApiRequest) -> TicketThreadOut:
    """One ticket, of either side."""
    with request.transaction() as uow:
        return ticket_thread(uow, ticket_id)


@post(
    "/v1/tickets/{ticket_id:uuid}/messages",
    permission=SIGNED_IN,
    refuses=[403, 409],
    sync_to_thread=True,
    tags=["buying"],
)
def post_ticket_message(
    ticket_id: FromPath[UUID], data: JSONBody[TicketWordsIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[TicketThreadOut]:
    """Write to the other side. What a buyer writes on a resolved ticket within seven days opens it again."""

    def work(uow: UnitOfWork) -> TicketThreadOut:
        write_on_ticket(uow, ticket_id, data.text, resolves=data.resolves)
        return ticket_thread(uow, ticket_id)

    return idempotent_command(request, idempotency_key, data, work)


@post(
    "/v1/tickets/{ticket_id:uuid}/files",
    permission=SIGNED_IN,
    refuses=[403, 404, 409, 413],
    request_max_body_size=MAX_BYTES + FORM_OVERHEAD,
    sync_to_thread=True,
    tags=["buying"],
)
def post_ticket_file(
    ticket_id: FromPath[UUID],
    data: Annotated[TicketFileForm, Body(media_type=RequestEncodingType.MULTI_PART)],
    request: ApiRequest,
) -> TicketThreadOut:
    """Send a file of at most 20 MB, with words beside it."""
    with request.transaction() as uow:
        find_ticket(uow, ticket_id)
    keep_upload(request, data.file, lambda uow, file: write_on_ticket(uow, ticket_id, data.text, file))
    with request.transaction() as uow:
        return ticket_thread(uow, ticket_id)


@get(
    "/v1/tickets/{ticket_id:uuid}/files/{ticket_message_id:uuid}",
    media_type="application/octet-stream",
    permission=SIGNED_IN,
    sync_to_thread=True,
    tags=["buying"],
)
def get_ticket_file(
    ticket_id: FromPath[UUID], ticket_message_id: FromPath[UUID], request: ApiRequest
) -> Response[bytes]:
    """The bytes of a message's file."""
    with request.transaction() as uow:
        found = find_ticket_file(uow, ticket_id, ticket_message_id)
    return sent_file(request, found)


@post(
    "/v1/tickets/{ticket_id:uuid}/closing",
    permission=SIGNED_IN,
    refuses=[409],
    status_code=200,
    sync_to_thread=True,
    tags=["buying"],
)
def post_ticket_closing(
    ticket_id: FromPath[UUID], data: JSONBody[TicketRatingIn], request: ApiRequest
) -> TicketThreadOut:
    """The buyer closes it and may say how it was helped. Repeating it changes nothing."""
    return _worked(request, ticket_id, lambda uow: close_ticket(uow, ticket_id, rating=data.rating, text=data.text))


@get("/v1/seller/tickets", permission=MANAGE, sync_to_thread=True, tags=["seller"])
def get_seller_tickets(
    request: ApiRequest,
    paging: Given[Paging],
    only: StateFilter = None,
    assigned: Annotated[
        Assigned | None,
        QueryParameter(name="assigned", required=False, description="Only the acting person's, or nobody's; open ones"),
    ] = None,
) -> Response[PageOut[SellerTicketView]]:
    """What the seller's customers need help with, the latest message first."""
    return list_page(request, paging, list_seller_tickets, unchanged, state=only, assigned=assigned)


@get("/v1/seller/tickets/{ticket_id:uuid}", permission=MANAGE, sync_to_thread=True, tags=["seller"])
def get_sold_ticket(ticket_id: FromPath[UUID], request: ApiRequest) -> SellerTicketOut:
    """Who of the seller's members takes care of one, and who did before."""
    with request.transaction() as uow:
        return _sold(uow, ticket_id)


@post(
    "/v1/seller/tickets/{ticket_id:uuid}/taking",
    permission=MANAGE,
    refuses=[403, 409],
    status_code=200,
    sync_to_thread=True,
    tags=["seller"],
)
def post_taking(ticket_id: FromPath[UUID], request: ApiRequest) -> SellerTicketOut:
    """Take care of one that nobody has. One's own already, nothing changes."""

    def work(uow: UnitOfWork) -> SellerTicketOut:
        take_ticket(uow, ticket_id)
        return _sold(uow, ticket_id)

    return request.transact(work)


@put(
    "/v1/seller/tickets/{ticket_id:uuid}/assignee",
    permission=MANAGE,
    refuses=[403, 409],
    sync_to_thread=True,
    tags=["seller"],
)
def put_ticket_assignee(
    ticket_id: FromPath[UUID], data: JSONBody[TicketAssigneeIn], request: ApiRequest
) -> SellerTicketOut:
    """Hand one over, with a note. Its buyer is not shown who has it."""

    def work(uow: UnitOfWork) -> SellerTicketOut:
        hand_ticket_over(uow, ticket_id, data.person_id, data.note)
        return _sold(uow, ticket_id)

    return request.transact(work)


@get("/v1/seller/ticket-figures", permission=MANAGE, sync_to_thread=True, tags=["seller"])
def get_ticket_figures(request: ApiRequest) -> TicketFigures:
    """How the seller's tickets of the last 90 days were answered; `late`: after the time that its hours of service gave."""
    with request.transaction() as uow:
        return own_ticket_figures(uow)


@get("/v1/operator/tickets", permission="operator.read", sync_to_thread=True, tags=["operator"])
def get_escalated_tickets(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[TicketView]]:
    """Tickets without an answer after a second term, the latest first."""
    return list_page(request, paging, list_escalated_tickets, unchanged)


@get("/v1/organizations/{org_id:uuid}/response-time", permission=SIGNED_IN, sync_to_thread=True, tags=["catalogue"])
def get_response_time(org_id: FromPath[UUID], request: ApiRequest) -> ShownResponseTimeOut:
    """How soon a seller's people answer messages and tickets, as cards and product pages show it."""
    with request.transaction() as uow:
        return ShownResponseTimeOut(response_time=ResponseTimeOut.of(shown_response_time(uow, org_id)))


def command_of(data: TicketIn) -> OpenTicket:
    """For the JSON route and the page alike."""
    return OpenTicket(data.order_id, data.subject, data.text, data.severity)


def ticket_thread(uow: UnitOfWork, ticket_id: UUID) -> TicketThreadOut:
    """Raises as `get_ticket`."""
    return TicketThreadOut(ticket=get_ticket(uow, ticket_id), messages=ticket_messages(uow, ticket_id))


def _sold(uow: UnitOfWork, ticket_id: UUID) -> SellerTicketOut:
    found = get_seller_ticket(uow, ticket_id)
    return SellerTicketOut(
        ticket=found.ticket,
        assigned_to=found.assigned_to,
        assigned_name=found.assigned_name,
        handovers=ticket_handovers(uow, ticket_id),
    )


def _worked(request: ApiRequest, ticket_id: UUID, act: Callable[[UnitOfWork], object]) -> TicketThreadOut:
    def work(uow: UnitOfWork) -> TicketThreadOut:
        act(uow)
        return ticket_thread(uow, ticket_id)

    return request.transact(work)


routes = [
    get_tickets,
    post_ticket,
    get_one_ticket,
    post_ticket_message,
    post_ticket_file,
    get_ticket_file,
    post_ticket_closing,
    get_seller_tickets,
    get_sold_ticket,
    post_taking,
    put_ticket_assignee,
    get_ticket_figures,
    get_escalated_tickets,
    get_response_time,
]
