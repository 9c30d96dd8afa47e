"""From which amounts on an organization's purchases need an approver, what they may be of, and who decides in which order."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from litestar import delete, get, put
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta
from pydantic import Field

from api.request import ApiRequest
from api.schema import CategoryIn, CurrencyIn, Out, Wire
from orders import queries
from orders.approval_rules.models import PurchasePolicy
from orders.approval_rules.queries import find_policy
from orders.approval_rules.set_policy import SetAllowList, set_allow_list, set_steps
from orders.approval_rules.set_rule import Scope, SetRule, remove_rule, set_rule
from orders.approval_rules.steps import ApprovalStep, NamedPerson, steps_from

LimitIn = Annotated[int, Field(strict=True, ge=0, le=10**15)] | None
MANAGE = "members.manage"


class RuleIn(Wire):
    """Above which gross amounts a purchase needs an approver; null sets no such limit."""

    max_order_minor: LimitIn = Field(default=None, description="Of one purchase")
    max_month_minor: LimitIn = Field(
        default=None,
        description="Of all purchases of a calendar month, in the organization's time zone: those that are paid or being"
        " paid, with this one. A refund gives nothing back",
    )

    self_approval: bool = Field(
        default=False,
        description="Whether an approver may approve a purchase of their own; of the rule of everything alone",
    )


SellerParameter = Annotated[
    UUID | None, QueryParameter(required=False, description="Count what is bought of this seller alone")
]
CategoryParameter = Annotated[
    CategoryIn | None,
    QueryParameter(required=False, description="Count what is bought of this category alone"),
]
RemovedCategoryParameter = Annotated[
    str | None, QueryParameter(required=False, max_length=40, description="The rule of this category alone")
]


class RuleOut(Out):
    """A purchase rule of the organization: of everything, or of what is of one seller or one category."""

    currency: str
    seller_org_id: UUID | None
    category: str | None
    max_order_minor: int | None
    max_month_minor: int | None
    self_approval: bool


@get("/v1/purchase-rules", permission="orders.read", sync_to_thread=True, tags=["buying"])
def list_rules(request: ApiRequest) -> list[RuleOut]:
    """The organization's purchase rules: per currency one of everything, and those of sellers and categories."""
    with request.transaction() as uow:
        return [RuleOut.of_row(rule) for rule in queries.list_rules(uow)]


@put("/v1/purchase-rules/{currency:str}", permission=MANAGE, sync_to_thread=True, tags=["buying"])
def put_rule(
    currency: FromPath[str],
    data: JSONBody[RuleIn],
    request: ApiRequest,
    seller_org_id: SellerParameter = None,
    category: CategoryParameter = None,
) -> RuleOut:
    """Set the organization's rule for a currency: of everything, or beside it one of a seller or of a category."""
    command = SetRule(currency, data.max_order_minor, data.self_approval, data.max_month_minor, seller_org_id, category)
    return request.transact(lambda uow: RuleOut.of_row(set_rule(uow, command)))


@delete(
    "/v1/purchase-rules/{currency:str}",
    permission=MANAGE,
    refuses=[404],
    sync_to_thread=True,
    status_code=204,
    tags=["buying"],
)
def delete_rule(
    currency: FromPath[str],
    request: ApiRequest,
    seller_org_id: SellerParameter = None,
    category: RemovedCategoryParameter = None,
) -> None:
    """Let purchases in a currency, or what of them the rule counts, go without a limit again."""
    request.transact(lambda uow: remove_rule(uow, Scope(currency, seller_org_id, category)))


class AllowListIn(Wire):
    """The whole list."""

    mode: Literal["off", "ask", "refuse"] = Field(
        description="What becomes of the rest: nothing (`off`), an approver decides (`ask`), or it cannot be bought (`refuse`)"
    )
    seller_org_ids: Annotated[list[UUID], Field(max_length=500)] = Field(
        default_factory=list, description="Everything that these sell"
    )
    listing_ids: Annotated[list[UUID], Field(max_length=500)] = Field(default_factory=list)


class AllowListOut(Out):
    """What may be bought without asking, or at all."""

    mode: str
    seller_org_ids: list[UUID]
    listing_ids: list[UUID]

    @classmethod
    def of(cls, policy: PurchasePolicy | None) -> AllowListOut:
        """None of an organization that never set one."""
        if policy is None:
            return cls(mode="off", seller_org_ids=[], listing_ids=[])
        return cls(
            mode=policy.allow_mode,
            seller_org_ids=list(policy.allowed_sellers),
            listing_ids=list(policy.allowed_listings),
        )


@get("/v1/allow-list", permission="orders.read", sync_to_thread=True, tags=["buying"])
def get_allow_list(request: ApiRequest) -> AllowListOut:
    """What the organization's members may buy without asking, or at all."""
    with request.transaction() as uow:
        return AllowListOut.of(find_policy(uow))


@put("/v1/allow-list", permission=MANAGE, sync_to_thread=True, tags=["buying"])
def put_allow_list(data: JSONBody[AllowListIn], request: ApiRequest) -> AllowListOut:
    """Replace the list."""
    command = SetAllowList(data.mode, tuple(data.seller_org_ids), tuple(data.listing_ids))
    return request.transact(lambda uow: AllowListOut.of(set_allow_list(uow, command)))


class StepIn(Wire):
    """One decision of one person."""

    who: Literal["approver", "finance", "persons"]
    person_ids: Annotated[list[UUID], Field(max_length=3)] = Field(
        default_factory=list, description="Of `persons`: members of whom any one decides"
    )
    above_minor: Annotated[int, Field(strict=True, ge=0, le=10**15)] | None = Field(
        default=None, description="The step is left out of purchases in `currency` up to this gross amount"
    )
    currency: CurrencyIn | None = None

    def step(self) -> ApprovalStep:
        """Names are filled in when it is set."""
        named = tuple(NamedPerson(one, "") for one in self.person_ids) if self.who == "persons" else ()
        return ApprovalStep(self.who, named, self.above_minor, self.currency)


class StepsIn(Wire):
    """All steps, in order."""

    steps: Annotated[list[StepIn], Field(max_length=5)]


class StepPersonOut(Out):
    """A member who may take a step."""

    id: UUID
    name: str


class StepSettingOut(Out):
    """One decision of one person."""

    who: str
    persons: list[StepPersonOut]
    above_minor: int | None
    currency: str | None


class StepsOut(Out):
    """The steps in which the organization's purchases are decided."""

    steps: Annotated[list[StepSettingOut], Meta(description="In order; none: any approver decides alone")]

    @classmethod
    def of(cls, policy: PurchasePolicy | None) -> StepsOut:
        """None of an organization that never set any."""
        found = steps_from(policy.steps) if policy else ()
        return cls(
            steps=[
                StepSettingOut.of_row(one, persons=[StepPersonOut(id=who.id, name=who.name) for who in one.persons])
                for one in found
            ]
        )


@get("/v1/approval-steps", permission="orders.read", sync_to_thread=True, tags=["buying"])
def get_steps(request: ApiRequest) -> StepsOut:
    """The steps in which purchases that need an approver are decided."""
    with request.transaction() as uow:
        return StepsOut.of(find_policy(uow))


@put("/v1/approval-steps", permission=MANAGE, sync_to_thread=True, tags=["buying"])
def put_steps(data: JSONBody[StepsIn], request: ApiRequest) -> StepsOut:
    """Replace the steps. Purchases that wait already keep those they were placed with."""
    steps = [one.step() for one in data.steps]
    return request.transact(lambda uow: StepsOut.of(set_steps(uow, steps)))


routes = [
    list_rules,
    put_rule,
    delete_rule,
    get_allow_list,
    put_allow_list,
    get_steps,
    put_steps,
]
