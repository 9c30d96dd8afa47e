"""What an organization may use: list, seats, launch; and the check that a seller's system makes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, delete, get, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter
from msgspec import Meta
from pydantic import Field

from api.conditional import is_unchanged
from api.request import ApiRequest
from api.schema import KeyHeader, Out, PageOut, Paging, Wire, idempotent_command, list_page
from fulfillment.entitlements import queries as entitlements_queries
from fulfillment.entitlements.seats import assign_seat, revoke_seat
from fulfillment.entitlements.views import EntitlementDetail, EntitlementRow, SeatRow
from fulfillment.usage.check_entitlement import check_entitlement as read_entitlement_check
from kernel.db.uow import UnitOfWork


class EntitlementOut(Out):
    """What may be used: its state, seats and validity. `valid_to` is exclusive; null means without end."""

    id: UUID
    seller_org_id: UUID
    seller_name: str
    order_line_id: UUID
    order_id: str | None
    listing_id: UUID
    title: str
    title_en: str
    plan_id: UUID
    plan_code: str
    plan_name: str
    plan_name_en: str
    state: Annotated[str, Meta(examples=["active"], description="pending, active, suspended or ended")]
    usable: bool
    trial: Annotated[bool, Meta(description="Used for nothing so far, until `valid_to`")]
    past_due_at: Annotated[datetime | None, Meta(description="Since when it is used without being paid for")]
    seats: Annotated[int, Meta(description="Seats bought; 0 where the plan has none")]
    seats_used: Annotated[int, Meta(description="By members of the organization's own")]
    seats_allocated: Annotated[
        int, Meta(description="To subsidiaries of its group, or all to its end customer, taken there or not")
    ]
    end_customer: Annotated[
        str | None, Meta(description="Who uses it, where the organization ordered it as a dealer; null: itself")
    ]
    valid_from: datetime | None
    valid_to: datetime | None
    data_kept_days: Annotated[int | None, Meta(description="After the end; null where nothing was said of it")]
    data_kept_until: Annotated[
        datetime | None, Meta(description="Since it ended: until when the seller keeps what is left in its system")
    ]
    external_id: Annotated[str | None, Meta(description="The seller's own name of the tenant")]
    created_at: datetime

    @classmethod
    def of(cls, row: EntitlementRow) -> EntitlementOut:
        """From the query's row."""
        return cls.of_row(row, order_line_id=row.reference, usable=row.is_usable, trial=row.is_trial)


class EntitlementDetailOut(EntitlementOut):
    """An entitlement and who has a seat under it."""

    holders: list[SeatRow]

    @classmethod
    def of_detail(cls, detail: EntitlementDetail) -> EntitlementDetailOut:
        """From the query's rows."""
        row = detail.row
        return cls.of_row(
            row, order_line_id=row.reference, usable=row.is_usable, trial=row.is_trial, holders=list(detail.seats)
        )


class SeatIn(Wire):
    """Who gets the seat: a member of the organization."""

    person_id: Annotated[UUID, Field(strict=False)]


class AssignedOut(Out):
    """The seat that was given."""

    id: UUID
    entitlement_id: UUID
    person_id: UUID


class LaunchOut(Out):
    """Where the product opens."""

    url: str


class EntitlementCheckOut(Out):
    """Whether the entitlement may be used at this moment. Buyer and seller get the same answer."""

    entitlement_id: UUID
    active: bool
    state: str
    plan_id: UUID
    plan_code: str
    seats: int
    seats_used: int
    seats_allocated: Annotated[int, Meta(description="To subsidiaries of the buyer's group, taken there or not")]
    external_id: str | None
    valid_from: datetime | None
    valid_to: datetime | None
    data_kept_until: Annotated[
        datetime | None, Meta(description="Since it ended: until when the seller keeps what is left in its system")
    ]
    trial: bool
    past_due: Annotated[
        bool, Meta(description="Its present term is not paid for; it is suspended 14 days after that began")
    ]
    capped: Annotated[
        tuple[str, ...], Meta(description="Metered dimensions of which nothing more is taken in this period")
    ]


IfNoneMatch = Annotated[
    str | None,
    HeaderParameter(name="If-None-Match", required=False, max_length=1_000, description="ETag of the answer before"),
]


@get("/v1/entitlements", permission="entitlements.read", sync_to_thread=True, tags=["entitlements"])
def list_entitlements(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[EntitlementOut]]:
    """Everything the organization bought, newest first."""
    return list_page(request, paging, entitlements_queries.entitlements_of_buyer, EntitlementOut.of)


@get(
    "/v1/entitlements/{entitlement_id:uuid}", permission="entitlements.read", sync_to_thread=True, tags=["entitlements"]
)
def get_entitlement(entitlement_id: FromPath[UUID], request: ApiRequest) -> EntitlementDetailOut:
    """One entitlement of the buyer with the holders of its seats."""
    with request.transaction() as uow:
        return EntitlementDetailOut.of_detail(entitlements_queries.get_entitlement(uow, entitlement_id))


@get(
    "/v1/entitlements/check",
    permission="entitlements.read",
    refuses=[404],
    also_answers=[304],
    sync_to_thread=True,
    tags=["entitlements"],
)
def check_entitlement(
    entitlement_id: Annotated[UUID, QueryParameter(description="Id of the entitlement")],
    request: ApiRequest,
    if_none_match: IfNoneMatch = None,
) -> Response[EntitlementCheckOut | None]:
    """Whether an entitlement may be used now; for the seller's system. Send the ETag back and get 304 while it holds."""
    with request.transaction() as uow:
        found = read_entitlement_check(uow, entitlement_id)
    headers = {"ETag": f'"{found.etag}"', "Cache-Control": "private, no-cache"}
    if is_unchanged(if_none_match, headers["ETag"]):
        return Response(None, status_code=304, headers=headers)
    return Response(EntitlementCheckOut.of_row(found), headers=headers)


@post(
    "/v1/entitlements/{entitlement_id:uuid}/launch",
    permission="entitlements.read",
    sync_to_thread=True,
    status_code=200,
    tags=["entitlements"],
)
def launch(entitlement_id: FromPath[UUID], request: ApiRequest) -> LaunchOut:
    """Where the product opens, while the entitlement may be used."""
    with request.transaction() as uow:
        return LaunchOut(url=entitlements_queries.launch_address(uow, entitlement_id))


@post(
    "/v1/entitlements/{entitlement_id:uuid}/seats",
    permission="seats.assign",
    sync_to_thread=True,
    tags=["entitlements"],
)
def assign(
    entitlement_id: FromPath[UUID],
    data: JSONBody[SeatIn],
    request: ApiRequest,
    idempotency_key: KeyHeader,
) -> Response[AssignedOut]:
    """Give a member a seat. Needs an Idempotency-Key; never more seats than were bought, however many ask at once."""

    def give(uow: UnitOfWork) -> AssignedOut:
        seat_id = assign_seat(uow, entitlement_id, data.person_id)
        return AssignedOut(id=seat_id, entitlement_id=entitlement_id, person_id=data.person_id)

    return idempotent_command(request, idempotency_key, data, give)


@delete(
    "/v1/entitlements/{entitlement_id:uuid}/seats/{seat_id:uuid}",
    permission="seats.assign",
    sync_to_thread=True,
    tags=["entitlements"],
)
def revoke(entitlement_id: FromPath[UUID], seat_id: FromPath[UUID], request: ApiRequest) -> None:
    """Take a seat back. Repeating it changes nothing."""
    request.transact(lambda uow: revoke_seat(uow, entitlement_id, seat_id))


routes = [list_entitlements, check_entitlement, get_entitlement, launch, assign, revoke]
