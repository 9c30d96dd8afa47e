"""The gateways' balances beside our books, for operators."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta
from pydantic import Field

from api.context import Services
from api.request import ApiRequest
from api.schema import MoneyOut, Out, PageOut, Paging, Wire, list_page
from billing.gateway_balances.queries import (
    BalanceEntryRow,
    GatewayComparison,
    compare_balances,
    list_balance_entries,
    list_readings,
)
from billing.gateway_balances.read_balance import request_reading
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid


class GatewayComparisonOut(Out):
    """A gateway's balance in a currency, and ours."""

    gateway: str
    currency: str
    available: MoneyOut
    pending: Annotated[MoneyOut, Meta(description="Held there, and not free yet")]
    ledger: Annotated[MoneyOut, Meta(description="What our books say the gateway holds")]
    waiting: Annotated[MoneyOut, Meta(description="Moved at the gateway, and not booked here yet")]
    difference: Annotated[MoneyOut, Meta(description="available + pending - ledger - waiting")]
    asked_at: datetime | None

    @classmethod
    def of(cls, row: GatewayComparison) -> GatewayComparisonOut:
        """From the query's row."""
        return cls.of_row(
            row,
            available=MoneyOut.of(row.available_minor, row.currency),
            pending=MoneyOut.of(row.pending_minor, row.currency),
            ledger=MoneyOut.of(row.ledger_minor, row.currency),
            waiting=MoneyOut.of(row.waiting_minor, row.currency),
            difference=MoneyOut.of(row.difference_minor, row.currency),
        )


class GatewayReadingOut(Out):
    """How far a gateway's entries were read; `trouble`: why the last try brought nothing."""

    gateway: str
    trouble: str | None
    tried_at: datetime | None
    read_at: datetime | None


class GatewayBalancesOut(Out):
    """Every gateway and currency, and how far each gateway was read."""

    items: list[GatewayComparisonOut]
    readings: list[GatewayReadingOut]


class BalanceEntryOut(Out):
    """A movement of a gateway's balance, and as what it is booked here."""

    id: UUID
    gateway: str
    reference: str
    kind: str
    reported_as: Annotated[str, Meta(description="The gateway's own word for the kind")]
    amount: Annotated[MoneyOut, Meta(description="Positive came in")]
    fee: MoneyOut
    net: MoneyOut
    presented: Annotated[MoneyOut | None, Meta(description="What the operation was over, in its own currency")]
    exchange_rate: str | None
    subject: Annotated[str, Meta(description="The gateway's name of the payment, refund, dispute or transfer")]
    subject_id: Annotated[UUID | None, Meta(description="Ours; good for /v1/trace")]
    booked_as: Annotated[
        str | None, Meta(description="own, bank, cost or foreign (in suspense, with an incident); null while it waits")
    ]
    booked_at: datetime | None
    made_at: datetime

    @classmethod
    def of(cls, row: BalanceEntryRow) -> BalanceEntryOut:
        """From the query's row."""
        presented = None
        if row.presented_minor is not None and row.presented_currency is not None:
            presented = MoneyOut.of(row.presented_minor, row.presented_currency)
        return cls.of_row(
            row,
            amount=MoneyOut.of(row.amount_minor, row.currency),
            fee=MoneyOut.of(row.fee_minor, row.currency),
            net=MoneyOut.of(row.net_minor, row.currency),
            presented=presented,
        )


class ReadBalanceIn(Wire):
    """Which gateway to read."""

    gateway: Annotated[str, Field(min_length=1, max_length=40)]


def ask_for_reading(services: Services, uow: UnitOfWork, gateway: str) -> None:
    """Let a worker read a gateway now. Raises: Forbidden `permission_missing`, Invalid `gateway_unknown`."""
    uow.principal.require("operator.payouts")
    if gateway not in services.gateways:
        raise Invalid("gateway_unknown", field="gateway")
    request_reading(uow, gateway)


@get("/v1/operator/gateway-balances", permission="operator.read", sync_to_thread=True, tags=["operator"])
def get_gateway_balances(request: ApiRequest) -> GatewayBalancesOut:
    """What each gateway holds and what our books say, per currency, as of the last reading."""
    with request.transaction() as uow:
        return GatewayBalancesOut(
            items=[GatewayComparisonOut.of(row) for row in compare_balances(uow)],
            readings=[GatewayReadingOut.of_row(row) for row in list_readings(uow)],
        )


@get("/v1/operator/gateway-balance-entries", permission="operator.read", sync_to_thread=True, tags=["operator"])
def list_gateway_balance_entries(
    request: ApiRequest,
    paging: Given[Paging],
    only: Annotated[
        Literal["waiting"] | None, QueryParameter(required=False, description="Those that are not booked yet")
    ] = None,
) -> Response[PageOut[BalanceEntryOut]]:
    """Movements of the gateways' balances, the last read first."""
    return list_page(request, paging, list_balance_entries, BalanceEntryOut.of, waiting=only is not None)


@post(
    "/v1/operator/gateway-balances/read",
    permission="operator.payouts",
    sync_to_thread=True,
    status_code=202,
    tags=["operator"],
)
def read_gateway_balance(data: JSONBody[ReadBalanceIn], request: ApiRequest) -> None:
    """Let a worker read what is new at a gateway now. Asked twice, it is read once."""
    request.transact(lambda uow: ask_for_reading(request.services, uow, data.gateway))


routes = [get_gateway_balances, list_gateway_balance_entries, read_gateway_balance]
