"""When and why an organization is paid: its schedule for each currency, its account, and what stands in the way."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar import get, post, put
from litestar.params import JSONBody
from msgspec import Meta
from pydantic import Field

from api.request import ApiRequest
from api.schema import CurrencyIn, MoneyOut, Out, Wire
from api.v1.onboarding import PayoutAccountOut
from api.v1.purchases import require_gateway
from billing.connected_accounts.pay_to_account import PayToConnectedAccount, pay_to_connected_account
from billing.gateways.sandbox import NAME as SANDBOX
from billing.payouts.outlook import PayoutOutlook, outlooks
from billing.payouts.schedule import (
    PayoutScheduleRow,
    SetPayoutSchedule,
    list_payout_schedules,
    set_payout_schedule,
)
from billing.statements.queries import list_statements
from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden
from marketplace.onboarding.models import PayoutAccount
from marketplace.onboarding.queries import view_payout_account
from marketplace.onboarding.save_payout_account import UseGatewayAccount, use_gateway_account

ACCOUNTS = "billing.manage"
_CLOSED = 100


class PayoutScheduleIn(Wire):
    """When to be paid in one currency. `day` of the week (1: Monday) or of the month (1 to 28); less than `minimum`, in minor
    units, waits until more is payable. `manual`: the platform pays each statement by hand.
    """

    currency: CurrencyIn
    every: Literal["daily", "weekly", "monthly", "manual"]
    day: Annotated[int, Field(strict=True, ge=1, le=28)] = 1
    minimum: Annotated[int, Field(strict=True, ge=0, le=10**15)] = 0


class PayoutScheduleOut(Out):
    """What was chosen."""

    currency: str
    every: str
    day: int
    minimum: MoneyOut

    @classmethod
    def of(cls, row: PayoutScheduleRow) -> PayoutScheduleOut:
        """From the query's row."""
        return cls.of_row(row, minimum=MoneyOut.of(row.minimum_minor, row.currency))


class GatewayAccountIn(Wire):
    """Be paid through a gateway. Where it opens accounts (`/v1/gateway-accounts`) it is the organization's own there; only in
    the sandbox an `account` is named.
    """

    currency: CurrencyIn
    gateway: Annotated[str, Field(max_length=40)]
    account: Annotated[str, Field(max_length=100)] = ""


class PayoutOutlookOut(Out):
    """How a closed statement will be paid, and what it waits for."""

    statement_id: UUID
    rail: Annotated[str | None, Meta(description="bank, or the gateway of the account; none without an account")]
    account_last4: str
    waits_for: Annotated[
        str,
        Meta(
            description="missing (no account), held (the account was changed, see `until`), holder_differs, gateway_held (the "
            "gateway pays nothing out to the account), disputed, minimum, scheduled (see `on`), by_hand"
        ),
    ]
    until: datetime | None
    on: date | None

    @classmethod
    def of(cls, row: PayoutOutlook) -> PayoutOutlookOut:
        """From the query's row."""
        return cls.of_row(row)


@get("/v1/payout-schedules", permission="money.read", sync_to_thread=True, tags=["money"])
def get_payout_schedules(request: ApiRequest) -> list[PayoutScheduleOut]:
    """When the organization is paid, by currency. Without one of a currency the platform pays by hand."""
    with request.transaction() as uow:
        return [PayoutScheduleOut.of(row) for row in list_payout_schedules(uow)]


@put("/v1/payout-schedules", permission=ACCOUNTS, refuses=[409], sync_to_thread=True, tags=["money"])
def put_payout_schedule(data: JSONBody[PayoutScheduleIn], request: ApiRequest) -> PayoutScheduleOut:
    """Choose when to be paid in a currency."""
    command = SetPayoutSchedule(data.currency, data.every, data.day, data.minimum)
    return PayoutScheduleOut.of(request.transact(lambda uow: set_payout_schedule(uow, command)))


@get("/v1/payout-outlook", permission="money.read", sync_to_thread=True, tags=["money"])
def get_payout_outlook(request: ApiRequest) -> list[PayoutOutlookOut]:
    """What the organization's closed statements wait for, the oldest first."""
    with request.transaction() as uow:
        closed = list_statements(uow, org_id=request.principal.organization(), state="closed", limit=_CLOSED).items
        return [PayoutOutlookOut.of(row) for row in outlooks(uow, [row.id for row in closed]).values()]


@post("/v1/payout-accounts/gateway", permission=ACCOUNTS, refuses=[404, 409], sync_to_thread=True, tags=["people"])
def create_gateway_account(data: JSONBody[GatewayAccountIn], request: ApiRequest) -> PayoutAccountOut:
    """Be paid through a gateway from now on. The same account again changes nothing; one that replaces another is held for 48
    hours. `POST /v1/payout-accounts` leads back to a bank.
    """
    command = UseGatewayAccount(data.currency, data.gateway, data.account)
    return PayoutAccountOut.of_row(
        request.transact(lambda uow: view_payout_account(uow, use_account(request, uow, command)))
    )


def use_account(request: ApiRequest, uow: UnitOfWork, command: UseGatewayAccount) -> PayoutAccount:
    """The account that the party has at the gateway; by name, which is for the sandbox alone. Pages use it, too."""
    require_gateway(request.services, command.gateway)
    box = request.services.secrets
    if command.gateway == SANDBOX:
        return use_gateway_account(uow, command, box)
    if request.services.gateways[command.gateway].accounts is None or command.account:
        raise Forbidden("gateway_account_by_onboarding")
    return pay_to_connected_account(uow, PayToConnectedAccount(command.gateway, command.currency), box)


routes = [get_payout_schedules, put_payout_schedule, get_payout_outlook, create_gateway_account]
