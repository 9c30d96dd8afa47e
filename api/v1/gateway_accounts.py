"""A party's account at a gateway that pays it: opened, completed at the gateway, and how it stands."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import JSONBody
from msgspec import Meta
from pydantic import Field

from api.context import Services
from api.request import ApiRequest
from api.schema import MoneyOut, Out, Wire
from billing.connected_accounts.ask_account import AccountQuestion, ask_gateway, conclude_question, question_about
from billing.connected_accounts.open_account import begin_account, find_account
from billing.connected_accounts.queries import ConnectedAccountView, list_accounts, list_held_accounts, to_account_view
from billing.gateways.accounts import GatewayAccounts
from billing.gateways.ports import GatewayRefused, NotReached, OutcomeUnknown
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound

MANAGES = "billing.manage"
RETURN = "/seller/start/gateway-account"


class ConnectedAccountOut(Out):
    """An account at a gateway. Money is sent there only while `is_payable`."""

    id: UUID
    org_id: UUID
    gateway: str
    reference: str | None
    country: str
    state: Annotated[str, Meta(description="opening, onboarding, enabled, restricted (money is held) or closed")]
    is_payable: bool
    charges_enabled: bool
    payouts_enabled: bool
    capabilities: dict[str, str]
    requirements: Annotated[list[str], Meta(description="What the gateway wants to know now, by its own names")]
    disabled_reason: str
    trouble: Annotated[str | None, Meta(description="Why the gateway could not be asked the last time")]
    balance: Annotated[
        list[MoneyOut], Meta(description="What is there and not paid out yet; negative where it is owed")
    ]
    asked_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, row: ConnectedAccountView) -> ConnectedAccountOut:
        """From the query's row."""
        return cls.of_row(
            row,
            capabilities={name: str(value) for name, value in row.capabilities.items()},
            requirements=list(row.requirements),
            balance=[MoneyOut.of(minor, currency) for currency, minor in sorted(row.balance.items())],
        )


class ConnectedAccountsOut(Out):
    """The organization's accounts."""

    items: list[ConnectedAccountOut]


class OpenAccountIn(Wire):
    """At which gateway."""

    gateway: Annotated[str, Field(min_length=1, max_length=40)]


class AccountLinkOut(Out):
    """Where the gateway asks its questions. The address holds for minutes and once."""

    url: str


def require_accounts(services: Services, gateway: str) -> GatewayAccounts:
    """Raises Invalid(`gateway_unknown`) for a gateway that is not configured or opens no accounts."""
    found = services.gateways.get(gateway)
    if found is None or found.accounts is None:
        raise Invalid("gateway_unknown", field="gateway")
    return found.accounts


def open_account(request: ApiRequest, gateway: str) -> str:
    """Open the acting organization's account where there is none; answers what the gateway calls it.

    The row is committed before the gateway is asked, and the gateway opens one account for its id: whoever asks at the same
    moment comes to the same one. Raises: Invalid `gateway_unknown`; Conflict `account_not_opened` with the gateway's reason.
    """
    require_accounts(request.services, gateway)
    question = request.transact(lambda uow: question_about(begin_account(uow, gateway)))
    return question.reference or _open(request, question)


def account_link(request: ApiRequest, gateway: str) -> str:
    """Where the owner of the acting organization's account answers the gateway's questions; it is opened where there is none.

    Raises: as `open_account`.
    """
    services = request.services
    accounts = require_accounts(services, gateway)
    reference = open_account(request, gateway)
    page = f"{services.settings.public_url}{RETURN}"
    try:
        return accounts.link(reference, back_to=f"{page}/{gateway}/return", again_at=f"{page}/{gateway}/again")
    except (GatewayRefused, NotReached, OutcomeUnknown) as error:
        raise Conflict("account_not_opened", reason=getattr(error, "code", "no_answer")) from error


def _open(request: ApiRequest, question: AccountQuestion) -> str:
    said = ask_gateway(request.services.gateways, question)
    request.transact(lambda uow: conclude_question(uow, question.account_id, said))
    if said.answer is None:
        raise Conflict("account_not_opened", reason=said.trouble or "no_answer")
    return said.answer.reference


def ask_now(request: ApiRequest, gateway: str) -> None:
    """Ask the gateway how the organization's account stands. Raises: Invalid `gateway_unknown`; NotFound `account_not_found`."""
    require_accounts(request.services, gateway)
    question = request.transact(lambda uow: _known(uow, gateway))
    said = ask_gateway(request.services.gateways, question)
    request.transact(lambda uow: conclude_question(uow, question.account_id, said))


def _known(uow: UnitOfWork, gateway: str) -> AccountQuestion:
    row = find_account(uow, uow.principal.organization(), gateway)
    if row is None:
        raise NotFound("account_not_found")
    return question_about(row)


@get("/v1/gateway-accounts", permission=MANAGES, sync_to_thread=True, tags=["people"])
def get_gateway_accounts(request: ApiRequest) -> ConnectedAccountsOut:
    """The organization's accounts at gateways, with what is wanted of them and why they may hold money."""
    with request.transaction() as uow:
        return ConnectedAccountsOut(items=[ConnectedAccountOut.of(row) for row in list_accounts(uow)])


@post("/v1/gateway-accounts", permission=MANAGES, refuses=[409], sync_to_thread=True, status_code=200, tags=["people"])
def open_gateway_account(data: JSONBody[OpenAccountIn], request: ApiRequest) -> AccountLinkOut:
    """Open the organization's account where there is none, and answer where its owner completes it. Done twice, it is the same
    account and another address.
    """
    return AccountLinkOut(url=account_link(request, data.gateway))


@post(
    "/v1/gateway-accounts/ask",
    permission=MANAGES,
    refuses=[404],
    sync_to_thread=True,
    status_code=200,
    tags=["people"],
)
def ask_gateway_account(data: JSONBody[OpenAccountIn], request: ApiRequest) -> ConnectedAccountOut:
    """Ask the gateway now how the organization's account stands."""
    ask_now(request, data.gateway)
    with request.transaction() as uow:
        row = find_account(uow, uow.principal.organization(), data.gateway)
        if row is None:
            raise NotFound("account_not_found")
        return ConnectedAccountOut.of(to_account_view(row))


@get("/v1/operator/gateway-accounts", permission="operator.payouts", sync_to_thread=True, tags=["operator"])
def get_held_accounts(request: ApiRequest) -> ConnectedAccountsOut:
    """Accounts of parties that nothing may be sent to, and why."""
    with request.transaction() as uow:
        return ConnectedAccountsOut(items=[ConnectedAccountOut.of(row) for row in list_held_accounts(uow)])


routes = [get_gateway_accounts, open_gateway_account, ask_gateway_account, get_held_accounts]
