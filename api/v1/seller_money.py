"""A seller's money: balances with forecast, shares, statements, payouts; and the public share policy."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, QueryParameter

from api.request import ApiRequest
from api.schema import PageOut, Paging, list_page
from api.v1.settlement_out import BalanceOut, PayoutOut, SellerShareOut, StatementDetailOut, StatementOut
from billing.payouts.balances import balances
from billing.payouts.queries import get_payout, list_payouts
from billing.shares.policy_queries import PolicyRow, published_policy
from billing.shares.queries import list_shares
from billing.statements.queries import get_statement, list_statements
from billing.statements.supplies import supplies_to_invoice
from marketplace.parties.lookups import get_party

ShareState = Annotated[
    Literal["pending", "releasable", "in_statement", "paid", "reversed"] | None,
    QueryParameter(name="state", required=False, description="Only shares in this state"),
]


@get("/v1/share-policy", permission="public", sync_to_thread=True, tags=["money"])
def get_policy(request: ApiRequest) -> list[PolicyRow]:
    """The published revenue-share policy, all versions, newest first, of each the most specific rule first.

    A sale gets the version in force when it is ordered, and of it the most specific rule that is for it: one for its listing
    before one for its seller, the channel whose video sold it, the type of deal, the whole category. Null is for all.
    """
    with request.transaction() as uow:
        return published_policy(uow)


@get("/v1/seller/balances", permission="money.read", sync_to_thread=True, tags=["money"])
def get_balances(request: ApiRequest) -> list[BalanceOut]:
    """What the platform owes the organization as seller, per currency, and when holds end."""
    with request.transaction() as uow:
        zone = get_party(uow, request.principal.organization()).time_zone
        return [BalanceOut.of(balance) for balance in balances(uow, "seller", time_zone=zone)]


@get("/v1/seller/shares", permission="money.read", sync_to_thread=True, tags=["money"])
def list_seller_shares(
    request: ApiRequest,
    paging: Given[Paging],
    only: ShareState = None,
) -> Response[PageOut[SellerShareOut]]:
    """The organization's parts of what it sold, newest first."""
    read = partial(list_shares, kind="seller")
    return list_page(request, paging, read, SellerShareOut.of, state=only)


@get("/v1/statements", permission="money.read", sync_to_thread=True, tags=["money"])
def list_own_statements(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[StatementOut]]:
    """The organization's settlement statements as seller and promoter, newest first."""
    read = partial(list_statements, org_id=request.principal.organization())
    return list_page(request, paging, read, StatementOut.of)


@get("/v1/statements/{statement_id:uuid}", permission="money.read", sync_to_thread=True, tags=["money"])
def get_own_statement(statement_id: FromPath[UUID], request: ApiRequest) -> StatementDetailOut:
    """One statement with its lines."""
    with request.transaction() as uow:
        row, lines = get_statement(uow, statement_id)
        return StatementDetailOut.of_detail(row, lines, supplies_to_invoice(uow, row))


@get("/v1/payouts", permission="money.read", sync_to_thread=True, tags=["money"])
def list_own_payouts(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[PayoutOut]]:
    """Money that was paid to the organization, or is about to be, newest first."""
    read = partial(list_payouts, org_id=request.principal.organization())
    return list_page(request, paging, read, PayoutOut.of)


@get("/v1/payouts/{payout_id:uuid}", permission="money.read", sync_to_thread=True, tags=["money"])
def get_own_payout(payout_id: FromPath[UUID], request: ApiRequest) -> PayoutOut:
    """One payout."""
    with request.transaction() as uow:
        return PayoutOut.of(get_payout(uow, payout_id))


routes = [
    get_policy,
    get_balances,
    list_seller_shares,
    list_own_statements,
    get_own_statement,
    list_own_payouts,
    get_own_payout,
]
