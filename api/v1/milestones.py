"""Services in milestones: the buyer's side, the seller's, and what the platform sees stuck."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, delete, get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, JSONBody
from msgspec import Meta
from pydantic import BaseModel, ConfigDict, Field

from api.request import ApiRequest
from api.schema import MoneyOut, Out, Wire
from api.v1.milestone_files import drop_file, send_file, store_file
from kernel.db.uow import UnitOfWork
from orders.milestones import queries
from orders.milestones.cancel import cancel_overdue
from orders.milestones.decide import accept_milestone, ask_rework
from orders.milestones.deliver import MAX_WORDS, deliver
from orders.milestones.file_types import MAX_BYTES
from orders.milestones.queries import MilestoneView, WaitingMilestone
from orders.milestones.take_on import refuse, take_on

FORM_OVERHEAD = 64 * 1024
"""Bytes of a multipart form beside its file."""
SELLS = "seller.orders.read"
DELIVERS = "runs.replay"
"""Whoever sees to deliveries."""

Version = Annotated[
    int, Field(strict=True, ge=1, le=10_000, description="How often it was delivered, as it was read: 1 the first time")
]


class MilestoneFileOut(Out):
    """A file of a delivery."""

    id: UUID
    file_name: str
    media_type: str
    size_bytes: int
    sha256: str
    created_at: datetime


class MilestoneDeliveryOut(Out):
    """One delivery, and what its buyer wanted done again."""

    version: int
    words: str
    delivered_at: datetime
    rework_words: str | None
    answered_at: datetime | None
    files: list[MilestoneFileOut]


class MilestoneOut(Out):
    """A milestone of a service; its amounts are its part of the order line."""

    id: UUID
    order_id: UUID
    order_line_id: UUID
    position: int
    code: str
    name: str
    name_en: str
    state: Annotated[str, Meta(description="pending, open, delivered, rework, accepted or cancelled")]
    net: MoneyOut
    tax: MoneyOut
    gross: MoneyOut
    version: Annotated[int, Meta(description="How often it was delivered")]
    due_at: Annotated[datetime | None, Meta(description="When it is to be delivered; unknown until it is taken on")]
    deadline_at: Annotated[
        datetime | None, Meta(description="When it is accepted by the clock, or its money goes back by itself")
    ]
    cancellable_at: Annotated[datetime | None, Meta(description="From when its buyer may have its money back")]
    delivered_at: datetime | None
    accepted_at: datetime | None
    is_overdue: bool
    deliveries: Annotated[list[MilestoneDeliveryOut], Meta(description="The latest first")]
    drafts: Annotated[list[MilestoneFileOut], Meta(description="Files that are not delivered yet; to the seller alone")]

    @classmethod
    def of(cls, row: MilestoneView) -> MilestoneOut:
        """From the query's row."""
        deliveries = [
            MilestoneDeliveryOut.of_row(one, files=[MilestoneFileOut.of_row(file) for file in one.files])
            for one in row.deliveries
        ]
        drafts = [MilestoneFileOut.of_row(file) for file in row.drafts]
        return cls.of_row(row, currency=row.currency, deliveries=deliveries, drafts=drafts)


class WaitingMilestoneOut(Out):
    """A milestone that waits for somebody."""

    milestone_id: UUID
    order_id: UUID
    number: str
    buyer_name: str
    seller_name: str
    title: str
    title_en: str
    code: str
    name: str
    name_en: str
    state: str
    gross: MoneyOut
    since_at: Annotated[datetime, Meta(description="Since when it waits as it does")]
    due_at: datetime | None
    deadline_at: datetime | None
    is_overdue: bool

    @classmethod
    def of(cls, row: WaitingMilestone) -> WaitingMilestoneOut:
        """From the query's row."""
        return cls.of_row(row, currency=row.currency)


class MilestoneAcceptanceIn(Wire):
    """Which delivery is accepted."""

    version: Version


class MilestoneReworkIn(Wire):
    """Which delivery is to be done again, and what is wrong with it."""

    version: Version
    words: Annotated[str, Field(min_length=1, max_length=MAX_WORDS)]


class MilestoneDeliveryIn(Wire):
    """That a milestone is done. `version` is one more than how often it was delivered before."""

    version: Version
    words: Annotated[str, Field(max_length=MAX_WORDS)] = ""


class ServiceRefusalIn(Wire):
    """Why an order is not taken on; its buyer reads it."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class MilestoneFileForm(BaseModel):
    """The file as the part `file` of a multipart form."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    file: UploadFile


@get("/v1/orders/{order_id:uuid}/milestones", permission="orders.read", sync_to_thread=True, tags=["buying"])
def get_milestones(order_id: FromPath[UUID], request: ApiRequest) -> list[MilestoneOut]:
    """The milestones of an order in which its services are delivered; empty where there are none."""
    with request.transaction() as uow:
        return [MilestoneOut.of(one) for one in queries.list_milestones(uow, order_id, of_buyer=True)]


@post(
    "/v1/milestones/{milestone_id:uuid}/acceptance",
    permission="orders.buy",
    refuses=[404, 409],
    sync_to_thread=True,
    status_code=200,
    tags=["buying"],
)
def accept_delivery(
    milestone_id: FromPath[UUID], data: JSONBody[MilestoneAcceptanceIn], request: ApiRequest
) -> MilestoneOut:
    """Accept what was delivered; its money is released to the seller. Repeating it changes nothing."""
    return _bought(request, milestone_id, lambda uow: accept_milestone(uow, milestone_id, version=data.version))


@post(
    "/v1/milestones/{milestone_id:uuid}/rework",
    permission="orders.buy",
    refuses=[404, 409],
    sync_to_thread=True,
    status_code=200,
    tags=["buying"],
)
def ask_for_rework(
    milestone_id: FromPath[UUID], data: JSONBody[MilestoneReworkIn], request: ApiRequest
) -> MilestoneOut:
    """Have what was delivered done again, saying what. Repeating it changes nothing."""
    return _bought(
        request, milestone_id, lambda uow: ask_rework(uow, milestone_id, version=data.version, words=data.words)
    )


@post(
    "/v1/milestones/{milestone_id:uuid}/cancellation",
    permission="orders.buy",
    refuses=[404, 409],
    sync_to_thread=True,
    status_code=200,
    tags=["buying"],
)
def cancel_milestone(milestone_id: FromPath[UUID], request: ApiRequest) -> MilestoneOut:
    """Have the money back of a milestone that is two weeks overdue. Repeating it changes nothing."""
    return _bought(request, milestone_id, lambda uow: cancel_overdue(uow, milestone_id))


@get(
    "/v1/milestones/{milestone_id:uuid}/files/{milestone_file_id:uuid}",
    media_type="application/octet-stream",
    permission="orders.read",
    sync_to_thread=True,
    tags=["buying"],
)
def get_delivered_file(
    milestone_id: FromPath[UUID], milestone_file_id: FromPath[UUID], request: ApiRequest
) -> Response[bytes]:
    """The bytes of a delivered file."""
    return send_file(request, milestone_id, milestone_file_id, of_buyer=True)


@get("/v1/seller/milestones", permission=SELLS, sync_to_thread=True, tags=["seller"])
def get_sold_milestones(request: ApiRequest) -> list[WaitingMilestoneOut]:
    """What waits of the services that the organization sold, the most urgent hundred first."""
    with request.transaction() as uow:
        return [WaitingMilestoneOut.of(one) for one in queries.sold_milestones(uow)]


@get("/v1/seller/orders/{order_id:uuid}/milestones", permission=SELLS, sync_to_thread=True, tags=["seller"])
def get_order_milestones(order_id: FromPath[UUID], request: ApiRequest) -> list[MilestoneOut]:
    """The milestones of a sold order; empty where its services are not delivered in such."""
    with request.transaction() as uow:
        return [MilestoneOut.of(one) for one in queries.list_milestones(uow, order_id, of_buyer=False)]


@post(
    "/v1/seller/orders/{order_id:uuid}/acceptance",
    permission=DELIVERS,
    refuses=[404, 409],
    sync_to_thread=True,
    status_code=200,
    tags=["seller"],
)
def take_order_on(order_id: FromPath[UUID], request: ApiRequest) -> list[MilestoneOut]:
    """Take an order of services on: its milestones are due from now on. Repeating it changes nothing."""
    return _sold_order(request, order_id, lambda uow: take_on(uow, order_id))


@post(
    "/v1/seller/orders/{order_id:uuid}/refusal",
    permission=DELIVERS,
    refuses=[404, 409],
    sync_to_thread=True,
    status_code=200,
    tags=["seller"],
)
def refuse_order(order_id: FromPath[UUID], data: JSONBody[ServiceRefusalIn], request: ApiRequest) -> list[MilestoneOut]:
    """Do not take an order of services on: its buyer is told why, and has the money back. Repeating it changes nothing."""
    return _sold_order(request, order_id, lambda uow: refuse(uow, order_id, data.reason))


@post(
    "/v1/seller/milestones/{milestone_id:uuid}/files",
    permission=DELIVERS,
    request_max_body_size=MAX_BYTES + FORM_OVERHEAD,
    refuses=[404, 409, 413],
    sync_to_thread=True,
    tags=["seller"],
)
def upload_milestone_file(
    milestone_id: FromPath[UUID],
    data: Annotated[MilestoneFileForm, Body(media_type=RequestEncodingType.MULTI_PART)],
    request: ApiRequest,
) -> MilestoneFileOut:
    """Put a file with what is delivered next: a document, picture, archive or text of at most 20 MB, twenty at most."""
    return MilestoneFileOut.of_row(store_file(request, milestone_id, data.file))


@delete(
    "/v1/seller/milestones/{milestone_id:uuid}/files/{milestone_file_id:uuid}",
    permission=DELIVERS,
    refuses=[404, 409],
    sync_to_thread=True,
    tags=["seller"],
)
def delete_milestone_file(milestone_id: FromPath[UUID], milestone_file_id: FromPath[UUID], request: ApiRequest) -> None:
    """Take a file back that was not delivered yet. Repeating it changes nothing."""
    drop_file(request, milestone_id, milestone_file_id)


@get(
    "/v1/seller/milestones/{milestone_id:uuid}/files/{milestone_file_id:uuid}",
    media_type="application/octet-stream",
    permission=SELLS,
    sync_to_thread=True,
    tags=["seller"],
)
def get_own_milestone_file(
    milestone_id: FromPath[UUID], milestone_file_id: FromPath[UUID], request: ApiRequest
) -> Response[bytes]:
    """The bytes of one's own file."""
    return send_file(request, milestone_id, milestone_file_id, of_buyer=False)


@post(
    "/v1/seller/milestones/{milestone_id:uuid}/deliveries",
    permission=DELIVERS,
    refuses=[404, 409],
    sync_to_thread=True,
    status_code=200,
    tags=["seller"],
)
def deliver_milestone(
    milestone_id: FromPath[UUID], data: JSONBody[MilestoneDeliveryIn], request: ApiRequest
) -> MilestoneOut:
    """Deliver a milestone, with the files that were put there and some words. Repeating it changes nothing."""

    def work(uow: UnitOfWork) -> MilestoneOut:
        deliver(uow, milestone_id, version=data.version, words=data.words)
        uow.flush()
        return MilestoneOut.of(queries.get_milestone(uow, milestone_id, of_buyer=False))

    return request.transact(work)


@get("/v1/operator/milestones", permission="operator.read", sync_to_thread=True, tags=["operator"])
def get_stuck_milestones(request: ApiRequest) -> list[WaitingMilestoneOut]:
    """Milestones of services that wait for somebody, by age: the oldest hundred."""
    with request.transaction() as uow:
        return [WaitingMilestoneOut.of(one) for one in queries.stuck_milestones(uow)]


def _bought(request: ApiRequest, milestone_id: UUID, act: Callable[[UnitOfWork], object]) -> MilestoneOut:
    def work(uow: UnitOfWork) -> MilestoneOut:
        act(uow)
        uow.flush()
        return MilestoneOut.of(queries.get_milestone(uow, milestone_id, of_buyer=True))

    return request.transact(work)


def _sold_order(request: ApiRequest, order_id: UUID, act: Callable[[UnitOfWork], object]) -> list[MilestoneOut]:
    def work(uow: UnitOfWork) -> list[MilestoneOut]:
        act(uow)
        uow.flush()
        return [MilestoneOut.of(one) for one in queries.list_milestones(uow, order_id, of_buyer=False)]

    return request.transact(work)


routes = [
    get_milestones,
    accept_delivery,
    ask_for_rework,
    cancel_milestone,
    get_delivered_file,
    get_sold_milestones,
    get_order_milestones,
    take_order_on,
    refuse_order,
    upload_milestone_file,
    delete_milestone_file,
    get_own_milestone_file,
    deliver_milestone,
    get_stuck_milestones,
]
