"""Conversations of an organization with sellers, and of a seller with its customers; live as server-sent events."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Response, delete, get, post, put
from litestar.concurrency import sync_to_thread
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency as Given
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, JSONBody, QueryParameter
from litestar.response import ServerSentEvent, ServerSentEventMessage
from msgspec import Meta
from pydantic import BaseModel, ConfigDict, Field

from api.auth import SIGNED_IN
from api.conversation_files import keep_upload, require_conversation, send_conversation_file
from api.conversation_watcher import ConversationWatcher
from api.request import ApiRequest
from api.schema import KeyHeader, Out, PageOut, Paging, StrictInt, Wire, idempotent_command, list_page, unchanged
from api.v1.milestones import FORM_OVERHEAD
from api.v1.orders import KEEP_ALIVE_S, STREAM_RETRY_MS, STREAM_S
from kernel.db.uow import UnitOfWork
from orders.conversations.queries import (
    ConversationMessageView,
    ConversationView,
    find_conversation,
    get_conversation,
    list_messages,
    list_own_conversations,
    list_seller_conversations,
)
from orders.conversations.sides import MANAGE
from orders.conversations.work import (
    close_conversation,
    hand_over,
    mark_conversation_read,
    mute_conversation,
    reopen_conversation,
)
from orders.conversations.write import WriteMessage, write_message, write_to_customer, write_to_seller
from orders.milestones.file_types import MAX_BYTES

Words = Annotated[str, Field(max_length=4_000, examples=["发票抬头怎么修改？"])]


class ConversationMessageIn(Wire):
    """Words, an order between the two organizations, or both."""

    text: Words = ""
    order_id: Annotated[UUID | None, Field(description="An order of both sides, shown as a card")] = None


class ConversationWithSellerIn(ConversationMessageIn):
    """The first words to a seller, or further ones: there is one thread with each."""

    seller_org_id: UUID


class ConversationWithCustomerIn(ConversationMessageIn):
    """Words to an organization that bought from the seller, asked it or wrote to it."""

    buyer_org_id: UUID


class AssigneeIn(Wire):
    """Who of the seller's members is responsible; null for nobody."""

    person_id: UUID | None


class ReadingIn(Wire):
    """Up to which message the acting person has read."""

    number: Annotated[StrictInt, Field(ge=0, le=1_000_000_000, examples=[12])]


class ConversationFileForm(BaseModel):
    """The file as the part `file` of a multipart form, with words beside it."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    file: UploadFile
    text: str = ""


class OrderCardOut(Out):
    """An order of both sides as a message shows it."""

    order_id: UUID
    number: str
    state: str
    title: str
    title_en: str


class ConversationMessageOut(Out):
    """A message. `number` counts them from 1."""

    id: UUID
    number: int
    side: Annotated[str, Meta(description="buyer or seller")]
    kind: Annotated[str, Meta(description="written, automatic (nobody wrote it) or handover")]
    author: Annotated[str, Meta(description="Of one's own side the person; of the other side empty")]
    text: Annotated[str, Meta(description="Of a handover the name of who is responsible, empty for nobody")]
    text_en: Annotated[str | None, Meta(description="Of an automatic answer: the same in English")]
    order_id: UUID | None
    order: Annotated[OrderCardOut | None, Meta(description="Null as well without the permission to read orders")]
    file_name: str | None
    media_type: str | None
    size_bytes: int | None
    created_at: datetime

    @classmethod
    def of(cls, row: ConversationMessageView) -> ConversationMessageOut:
        """From the query's row."""
        return cls.of_row(row, order=OrderCardOut.of_row(row.order) if row.order else None)


class ConversationOut(Out):
    """A thread with its latest messages, the newest first."""

    conversation: ConversationView
    messages: Sequence[ConversationMessageOut]
    next_cursor: Annotated[str | None, Meta(description="For the messages before these")]


SellerFilter = Annotated[
    Literal["unread", "mine", "unassigned"] | None,
    QueryParameter(name="only", required=False, description="Unread ones, the acting person's, or nobody's"),
]
BuyerFilter = Annotated[
    Literal["unread"] | None, QueryParameter(name="only", required=False, description="Unread ones")
]


@get("/v1/conversations", permission=SIGNED_IN, sync_to_thread=True, tags=["buying"])
def get_conversations(
    request: ApiRequest, paging: Given[Paging], only: BuyerFilter = None
) -> Response[PageOut[ConversationView]]:
    """The organization's threads with sellers, the latest message first."""
    return list_page(request, paging, list_own_conversations, unchanged, only=only)


@post("/v1/conversations", permission=SIGNED_IN, refuses=[403, 404, 409, 429], sync_to_thread=True, tags=["buying"])
def write_first_to_seller(
    data: JSONBody[ConversationWithSellerIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[ConversationOut]:
    """Write to a seller: the one thread with it begins, or goes on."""

    def work(uow: UnitOfWork) -> ConversationOut:
        return thread(uow, write_to_seller(uow, data.seller_org_id, command_of(data)).conversation_id)

    return idempotent_command(request, idempotency_key, data, work)


@get("/v1/seller/conversations", permission=MANAGE, sync_to_thread=True, tags=["seller"])
def get_seller_conversations(
    request: ApiRequest, paging: Given[Paging], only: SellerFilter = None
) -> Response[PageOut[ConversationView]]:
    """The seller's threads with its customers, the latest message first."""
    return list_page(request, paging, list_seller_conversations, unchanged, only=only)


@post("/v1/seller/conversations", permission=MANAGE, refuses=[403, 404, 429], sync_to_thread=True, tags=["seller"])
def write_first_to_customer(
    data: JSONBody[ConversationWithCustomerIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[ConversationOut]:
    """Write to a customer: an organization that bought, asked or wrote before; nobody else can be addressed."""

    def work(uow: UnitOfWork) -> ConversationOut:
        return thread(uow, write_to_customer(uow, data.buyer_org_id, command_of(data)).conversation_id)

    return idempotent_command(request, idempotency_key, data, work)


@get("/v1/conversations/{conversation_id:uuid}", permission=SIGNED_IN, sync_to_thread=True, tags=["buying"])
def get_one_conversation(conversation_id: FromPath[UUID], request: ApiRequest) -> ConversationOut:
    """One thread, of either side."""
    with request.transaction() as uow:
        return thread(uow, conversation_id)


@get("/v1/conversations/{conversation_id:uuid}/messages", permission=SIGNED_IN, sync_to_thread=True, tags=["buying"])
def get_conversation_messages(
    conversation_id: FromPath[UUID], request: ApiRequest, paging: Given[Paging]
) -> Response[PageOut[ConversationMessageOut]]:
    """What was written, the newest first."""
    return list_page(request, paging, list_messages, ConversationMessageOut.of, conversation_id=conversation_id)


@post(
    "/v1/conversations/{conversation_id:uuid}/messages",
    permission=SIGNED_IN,
    refuses=[403, 429],
    sync_to_thread=True,
    tags=["buying"],
)
def write_in_conversation(
    conversation_id: FromPath[UUID],
    data: JSONBody[ConversationMessageIn],
    request: ApiRequest,
    idempotency_key: KeyHeader,
) -> Response[ConversationOut]:
    """Write to the other side. A closed thread is open again."""

    def work(uow: UnitOfWork) -> ConversationOut:
        write_message(uow, conversation_id, command_of(data))
        return thread(uow, conversation_id)

    return idempotent_command(request, idempotency_key, data, work)


@post(
    "/v1/conversations/{conversation_id:uuid}/files",
    permission=SIGNED_IN,
    refuses=[403, 404, 413, 429],
    request_max_body_size=MAX_BYTES + FORM_OVERHEAD,
    sync_to_thread=True,
    tags=["buying"],
)
def send_file(
    conversation_id: FromPath[UUID],
    data: Annotated[ConversationFileForm, Body(media_type=RequestEncodingType.MULTI_PART)],
    request: ApiRequest,
) -> ConversationOut:
    """Send a file of at most 20 MB, with words beside it."""
    require_conversation(request, conversation_id)
    keep_upload(
        request,
        data.file,
        lambda uow, file: write_message(uow, conversation_id, WriteMessage(data.text, file=file)),
    )
    with request.transaction() as uow:
        return thread(uow, conversation_id)


@get(
    "/v1/conversations/{conversation_id:uuid}/files/{message_id:uuid}",
    media_type="application/octet-stream",
    permission=SIGNED_IN,
    sync_to_thread=True,
    tags=["buying"],
)
def get_conversation_file(
    conversation_id: FromPath[UUID], message_id: FromPath[UUID], request: ApiRequest
) -> Response[bytes]:
    """The bytes of a message's file."""
    return send_conversation_file(request, conversation_id, message_id)


@put("/v1/conversations/{conversation_id:uuid}/reading", permission=SIGNED_IN, sync_to_thread=True, tags=["buying"])
def put_reading(conversation_id: FromPath[UUID], data: JSONBody[ReadingIn], request: ApiRequest) -> ConversationView:
    """Say how far the acting person has read."""

    def work(uow: UnitOfWork) -> ConversationView:
        mark_conversation_read(uow, find_conversation(uow, conversation_id)[0], data.number)
        return get_conversation(uow, conversation_id)

    return request.transact(work)


@put(
    "/v1/seller/conversations/{conversation_id:uuid}/assignee", permission=MANAGE, sync_to_thread=True, tags=["seller"]
)
def put_assignee(conversation_id: FromPath[UUID], data: JSONBody[AssigneeIn], request: ApiRequest) -> ConversationView:
    """Hand the thread over. Both sides read who is responsible."""
    return _worked(request, conversation_id, lambda uow: hand_over(uow, conversation_id, data.person_id))


@put("/v1/conversations/{conversation_id:uuid}/mute", permission=SIGNED_IN, sync_to_thread=True, tags=["buying"])
def mute(conversation_id: FromPath[UUID], request: ApiRequest) -> ConversationView:
    """Tell the buyer's people of no message any more; they stand in the thread all the same."""
    return _worked(request, conversation_id, lambda uow: mute_conversation(uow, conversation_id, muted=True))


@delete(
    "/v1/conversations/{conversation_id:uuid}/mute",
    permission=SIGNED_IN,
    status_code=200,
    sync_to_thread=True,
    tags=["buying"],
)
def unmute(conversation_id: FromPath[UUID], request: ApiRequest) -> ConversationView:
    """Tell them again."""
    return _worked(request, conversation_id, lambda uow: mute_conversation(uow, conversation_id, muted=False))


@post(
    "/v1/conversations/{conversation_id:uuid}/closing",
    permission=SIGNED_IN,
    status_code=200,
    sync_to_thread=True,
    tags=["buying"],
)
def close(conversation_id: FromPath[UUID], request: ApiRequest) -> ConversationView:
    """Close it: nothing more is awaited. Closed already, nothing changes."""
    return _worked(request, conversation_id, lambda uow: close_conversation(uow, conversation_id))


@post(
    "/v1/conversations/{conversation_id:uuid}/reopening",
    permission=SIGNED_IN,
    status_code=200,
    sync_to_thread=True,
    tags=["buying"],
)
def reopen(conversation_id: FromPath[UUID], request: ApiRequest) -> ConversationView:
    """Open it again. Open already, nothing changes."""
    return _worked(request, conversation_id, lambda uow: reopen_conversation(uow, conversation_id))


@get(
    "/v1/conversations/{conversation_id:uuid}/stream",
    permission=SIGNED_IN,
    media_type="text/event-stream",
    tags=["buying"],
)
async def stream_conversation(conversation_id: FromPath[UUID], request: ApiRequest) -> ServerSentEvent:
    """Live as server-sent events: `conversation` whenever something was written, handed over, closed or opened."""
    first = await sync_to_thread(_look, request, conversation_id)
    watcher: ConversationWatcher = request.app.state["conversation_watcher"]

    async def events() -> AsyncIterator[ServerSentEventMessage]:
        seen, found, ends_at = "", first, time.monotonic() + STREAM_S
        with watcher.watch(conversation_id) as watch:
            while True:
                body = msgspec.json.encode(found).decode()
                if body != seen:
                    seen = body
                    yield ServerSentEventMessage(data=body, event="conversation", retry=STREAM_RETRY_MS)
                while not await watch.changed(KEEP_ALIVE_S):
                    if time.monotonic() > ends_at:
                        return
                    yield ServerSentEventMessage(comment="still here")
                found = await sync_to_thread(_look, request, conversation_id)

    return ServerSentEvent(events(), headers={"X-Accel-Buffering": "no"})


def command_of(data: ConversationMessageIn) -> WriteMessage:
    """For the JSON route and the page alike."""
    return WriteMessage(data.text, data.order_id)


def thread(uow: UnitOfWork, conversation_id: UUID) -> ConversationOut:
    """Raises as `get_conversation`."""
    messages = list_messages(uow, conversation_id)
    return ConversationOut(
        conversation=get_conversation(uow, conversation_id),
        messages=[ConversationMessageOut.of(one) for one in messages.items],
        next_cursor=messages.next_cursor,
    )


def _worked(request: ApiRequest, conversation_id: UUID, act: Callable[[UnitOfWork], object]) -> ConversationView:
    def work(uow: UnitOfWork) -> ConversationView:
        act(uow)
        return get_conversation(uow, conversation_id)

    return request.transact(work)


def _look(request: ApiRequest, conversation_id: UUID) -> ConversationView:
    with request.transaction() as uow:
        return get_conversation(uow, conversation_id)


routes = [
    get_conversations,
    write_first_to_seller,
    get_seller_conversations,
    write_first_to_customer,
    get_one_conversation,
    get_conversation_messages,
    write_in_conversation,
    send_file,
    get_conversation_file,
    put_reading,
    put_assignee,
    mute,
    unmute,
    close,
    reopen,
    stream_conversation,
]
