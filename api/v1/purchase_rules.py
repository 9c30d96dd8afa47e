"""From which amount on an organization's purchases need an approver."""

from __future__ import annotations

from litestar import get, put
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.request import ApiRequest
from api.schema import Out, StrictInt, Wire
from orders import queries
from orders.approval_rules.set_rule import SetRule, set_rule


class RuleIn(Wire):
    """From which gross amount on a purchase needs an approver."""

    max_order_minor: StrictInt = Field(ge=0, le=10**15)
    self_approval: bool = False


class RuleOut(Out):
    """A purchase rule of the organization."""

    currency: str
    max_order_minor: int
    self_approval: bool


@get("/v1/purchase-rules", permission="orders.read", sync_to_thread=True, tags=["buying"])
def list_rules(request: ApiRequest) -> list[RuleOut]:
    """The organization's purchase rules, one per currency."""
    with request.transaction() as uow:
        return [RuleOut.of_row(rule) for rule in queries.find_rule_of(uow)]


@put("/v1/purchase-rules/{currency:str}", permission="members.manage", sync_to_thread=True, tags=["buying"])
def put_rule(currency: FromPath[str], data: JSONBody[RuleIn], request: ApiRequest) -> RuleOut:
    """Set the organization's rule for a currency."""
    command = SetRule(currency, data.max_order_minor, data.self_approval)
    return request.transact(lambda uow: RuleOut.of_row(set_rule(uow, command)))


routes = [list_rules, put_rule]
