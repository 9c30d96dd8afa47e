"""What sellers pay whoever promotes a listing, and who takes part: both sides."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import Field

from api.auth import SIGNED_IN
from api.request import ApiRequest
from api.schema import KeyHeader, MoneyOut, Out, PageOut, Paging, Wire, idempotent_command, list_page
from billing.promoter_plans.make_plan import MOST_CAP_MINOR, MOST_PPM, PERMISSION, MakePlan, end_plan, make_plan
from billing.promoter_plans.memberships import (
    PROMOTES,
    answer_membership,
    apply_as_promoter,
    end_membership,
    invite_promoter,
)
from billing.promoter_plans.models import PromoterMembership
from billing.promoter_plans.queries import (
    MembershipRow,
    PromoterPlanRow,
    get_plan,
    list_offered_plans,
    list_own_plans,
    read_membership,
)
from kernel.db.uow import UnitOfWork

Cap = Annotated[int | None, Field(ge=1, le=MOST_CAP_MINOR)]
Part = Annotated[int, Field(ge=0, le=MOST_PPM)]


class PromoterPlanIn(Wire):
    """Rates are parts per million of a line's net; those of the chain are out of `rate_ppm`."""

    listing_id: UUID
    kind: Literal["general", "targeted", "exclusive"] = Field(
        description="general: whoever promotes; targeted: named promoters, beside a general one; exclusive: named promoters, and "
        "nobody else earns anything"
    )
    rate_ppm: Annotated[int, Field(ge=1, le=MOST_PPM)]
    distributor_org_id: UUID | None = None
    distributor_ppm: Part = 0
    service_org_id: UUID | None = None
    service_ppm: Part = 0
    order_cap_minor: Cap = Field(default=None, description="The most for promotion of one order line")
    month_cap_minor: Cap = Field(default=None, description="The most for one promoter in a calendar month (UTC)")
    currency: Annotated[str | None, Field(min_length=3, max_length=3, description="Of the caps")] = None

    def command(self) -> MakePlan:
        """As the package takes it."""
        return MakePlan(**{name: getattr(self, name) for name in MakePlan.__dataclass_fields__})


class PromoterIn(Wire):
    """Who is invited."""

    organization_id: UUID


class PromoterAnswerIn(Wire):
    """Yes or no."""

    accept: bool


class PromoterMembershipOut(Out):
    """A promoter's place in a plan."""

    id: UUID
    plan_id: UUID
    promoter_org_id: UUID
    promoter_name: str
    state: Annotated[str, Meta(description="invited, applied, accepted, declined, ended")]
    may_answer: Annotated[bool, Meta(description="It waits for the reader's side")]
    counts_from: Annotated[datetime | None, Meta(description="Sales from then on are at the plan's rate")]
    counts_until: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, row: MembershipRow) -> PromoterMembershipOut:
        """From the query's row."""
        return cls.of_row(row)


class PromoterPlanOut(Out):
    """A plan of a seller for a listing. Its chain is named to the seller alone."""

    id: UUID
    seller_org_id: UUID
    seller_name: str
    listing_id: UUID
    listing_name: str
    listing_name_en: str
    kind: str
    rate_ppm: Annotated[int, Meta(description="Of a line's net, for all who promote together")]
    promoter_ppm: Annotated[int, Meta(description="What of it is the promoter's own")]
    distributor_name: str | None
    distributor_ppm: int
    service_name: str | None
    service_ppm: int
    order_cap: MoneyOut | None
    month_cap: MoneyOut | None
    is_over: bool
    starts_at: datetime
    ends_at: datetime | None
    members: Annotated[list[PromoterMembershipOut], Meta(description="All, to the seller; to others their own")]

    @classmethod
    def of(cls, row: PromoterPlanRow) -> PromoterPlanOut:
        """From the query's row."""
        caps: dict[str, Any] = {
            name: MoneyOut.of(minor, row.currency) if minor is not None and row.currency is not None else None
            for name, minor in (("order_cap", row.order_cap_minor), ("month_cap", row.month_cap_minor))
        }
        return cls.of_row(row, members=[PromoterMembershipOut.of(one) for one in row.members], **caps)


@get("/v1/seller/promoter-plans", permission=PERMISSION, sync_to_thread=True, tags=["seller"])
def get_own_promoter_plans(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[PromoterPlanOut]]:
    """The seller's plans, the newest first."""
    return list_page(request, paging, list_own_plans, PromoterPlanOut.of)


@post("/v1/seller/promoter-plans", permission=PERMISSION, refuses=[404, 409], sync_to_thread=True, tags=["seller"])
def post_promoter_plan(
    data: JSONBody[PromoterPlanIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[PromoterPlanOut]:
    """Let a plan be in force in a minute. What it says never changes: end it and make another. What was sold keeps its plan."""

    def work(uow: UnitOfWork) -> PromoterPlanOut:
        return PromoterPlanOut.of(get_plan(uow, make_plan(uow, data.command()).id))

    return idempotent_command(request, idempotency_key, data, work)


@post(
    "/v1/seller/promoter-plans/{promoter_plan_id:uuid}/end",
    permission=PERMISSION,
    refuses=[409],
    sync_to_thread=True,
    status_code=200,
    tags=["seller"],
)
def end_promoter_plan(promoter_plan_id: FromPath[UUID], request: ApiRequest) -> PromoterPlanOut:
    """Let it end in a minute, with its promoters' places. Repeated, nothing changes."""
    return request.transact(lambda uow: PromoterPlanOut.of(get_plan(uow, end_plan(uow, promoter_plan_id).id)))


@post(
    "/v1/seller/promoter-plans/{promoter_plan_id:uuid}/promoters",
    permission=PERMISSION,
    refuses=[409, 429],
    sync_to_thread=True,
    tags=["seller"],
)
def post_promoter(
    promoter_plan_id: FromPath[UUID], data: JSONBody[PromoterIn], request: ApiRequest
) -> PromoterMembershipOut:
    """Invite a promoter to a targeted or an exclusive plan."""
    return request.transact(lambda uow: _out(uow, invite_promoter(uow, promoter_plan_id, data.organization_id)))


@get("/v1/promoter/plans", permission=PROMOTES, sync_to_thread=True, tags=["money"])
def get_offered_promoter_plans(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[PromoterPlanOut]]:
    """Plans of sellers that are in force, the newest first: what may be promoted, or asked for."""
    return list_page(request, paging, list_offered_plans, PromoterPlanOut.of)


@post(
    "/v1/promoter/plans/{promoter_plan_id:uuid}/application",
    permission=PROMOTES,
    refuses=[404, 409, 429],
    sync_to_thread=True,
    tags=["money"],
)
def post_promoter_application(promoter_plan_id: FromPath[UUID], request: ApiRequest) -> PromoterMembershipOut:
    """Ask to be let into a targeted or an exclusive plan."""
    return request.transact(lambda uow: _out(uow, apply_as_promoter(uow, promoter_plan_id)))


@post(
    "/v1/promoter-memberships/{promoter_membership_id:uuid}/answer",
    permission=SIGNED_IN,
    refuses=[403, 409],
    sync_to_thread=True,
    status_code=200,
    tags=["money"],
)
def answer_promoter_membership(
    promoter_membership_id: FromPath[UUID], data: JSONBody[PromoterAnswerIn], request: ApiRequest
) -> PromoterMembershipOut:
    """Say yes or no to the side that asked. Accepted, sales count in a minute."""
    return request.transact(lambda uow: _out(uow, answer_membership(uow, promoter_membership_id, accept=data.accept)))


@post(
    "/v1/promoter-memberships/{promoter_membership_id:uuid}/end",
    permission=SIGNED_IN,
    refuses=[403],
    sync_to_thread=True,
    status_code=200,
    tags=["money"],
)
def end_promoter_membership(promoter_membership_id: FromPath[UUID], request: ApiRequest) -> PromoterMembershipOut:
    """Leave, put out, or take back what nobody answered; sales count no more in a minute. Repeated, nothing changes."""
    return request.transact(lambda uow: _out(uow, end_membership(uow, promoter_membership_id)))


def _out(uow: UnitOfWork, row: PromoterMembership) -> PromoterMembershipOut:
    return PromoterMembershipOut.of(read_membership(uow, row))


routes = [
    get_own_promoter_plans,
    post_promoter_plan,
    end_promoter_plan,
    post_promoter,
    get_offered_promoter_plans,
    post_promoter_application,
    answer_promoter_membership,
    end_promoter_membership,
]
