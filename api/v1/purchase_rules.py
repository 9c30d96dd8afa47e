"""From which amounts on an organization's purchases need an approver."""

from __future__ import annotations

from typing import Annotated

from litestar import delete, get, put
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.request import ApiRequest
from api.schema import Out, Wire
from orders import queries
from orders.approval_rules.set_rule import SetRule, remove_rule, set_rule

LimitIn = Annotated[int, Field(strict=True, ge=0, le=10**15)] | None


class RuleIn(Wire):
    """Above which gross amounts a purchase needs an approver; null sets no such limit."""

    max_order_minor: LimitIn = Field(default=None, description="Of one purchase")
    max_month_minor: LimitIn = Field(
        default=None,
        description="Of all purchases of a calendar month, in the organization's time zone: those that are paid or being"
        " paid, with this one. A refund gives nothing back",
    )
    self_approval: bool = Field(default=False, description="Whether an approver may approve a purchase of their own")


class RuleOut(Out):
    """A purchase rule of the organization."""

    currency: str
    max_order_minor: int | None
    max_month_minor: int | None
    self_approval: bool


@get("/v1/purchase-rules", permission="orders.read", sync_to_thread=True, tags=["buying"])
def list_rules(request: ApiRequest) -> list[RuleOut]:
    """The organization's purchase rules, one per currency."""
    with request.transaction() as uow:
        return [RuleOut.of_row(rule) for rule in queries.find_rule_of(uow)]


@put("/v1/purchase-rules/{currency:str}", permission="members.manage", sync_to_thread=True, tags=["buying"])
def put_rule(currency: FromPath[str], data: JSONBody[RuleIn], request: ApiRequest) -> RuleOut:
    """Set the organization's rule for a currency."""
    command = SetRule(currency, data.max_order_minor, data.self_approval, data.max_month_minor)
    return request.transact(lambda uow: RuleOut.of_row(set_rule(uow, command)))


@delete(
    "/v1/purchase-rules/{currency:str}",
    permission="members.manage",
    refuses=[404],
    sync_to_thread=True,
    status_code=204,
    tags=["buying"],
)
def delete_rule(currency: FromPath[str], request: ApiRequest) -> None:
    """Let purchases in a currency go without a limit again."""
    request.transact(lambda uow: remove_rule(uow, currency))


routes = [list_rules, put_rule, delete_rule]
