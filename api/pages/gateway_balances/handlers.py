"""Whether the gateways hold what our books say, and what of theirs is not booked yet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from litestar import Response
from litestar.di import NamedDependency as Given

from api.pages.frame import addresses
from api.pages.frame.phrases import failure, money
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.gateway_balances.views import BalanceLine, EntryLine, GatewayBalancesView, HeldAccountLine, ReadingLine
from api.pages.seller_start.gateway_account import group_of
from api.v1.gateway_balances import ask_for_reading
from billing.connected_accounts.queries import ConnectedAccountView, list_held_accounts
from billing.gateway_balances.queries import compare_balances, list_balance_entries, list_readings
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError
from marketplace.parties.lookups import get_party

PAGE = 30
SETTLES = "operator.payouts"


@page(addresses.operating.BALANCES, "operator.read")
def show_balances(page_request: Given[PageRequest]) -> Response[str]:
    """What each gateway holds, what our books say, and what waits."""
    return page_request.render(_view(page_request))


@form_post(addresses.operating.READ_BALANCE, SETTLES)
def read_now(page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Read what is new at a gateway, at once. Pressed twice, it is read once."""
    gateway = form.text("gateway", most=40)
    try:
        page_request.transact(lambda uow: ask_for_reading(page_request.services, uow, gateway))
    except DomainError as refused:
        view = replace(_view(page_request), error=failure(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.operating.BALANCES, notice="balance_reading")


def _view(page_request: PageRequest) -> GatewayBalancesView:
    may_settle = page_request.principal.may(SETTLES)
    cursor = page_request.query("cursor", most=200) or None
    with page_request.work() as uow:
        compared, readings = compare_balances(uow), {one.gateway: one for one in list_readings(uow)}
        waiting = list_balance_entries(uow, waiting=True, cursor=cursor, limit=PAGE)
        accounts = tuple(_account(uow, one) for one in list_held_accounts(uow)) if may_settle else ()
    lines = tuple(
        BalanceLine(
            one.gateway,
            money(one.available_minor + one.pending_minor, one.currency),
            money(one.pending_minor, one.currency),
            money(one.ledger_minor, one.currency),
            money(one.waiting_minor, one.currency),
            money(one.difference_minor, one.currency),
        )
        for one in compared
    )
    keep_books = {name for name, gateway in page_request.services.gateways.items() if gateway.balance is not None}
    names = sorted({*keep_books, *readings})
    return GatewayBalancesView(
        lines,
        tuple(
            ReadingLine(name, found.read_at, found.trouble or "")
            if (found := readings.get(name)) is not None
            else ReadingLine(name, None, "")
            for name in names
        ),
        tuple(
            EntryLine(
                one.gateway, one.kind, one.reference, one.subject, money(one.net_minor, one.currency), one.made_at
            )
            for one in waiting.items
        ),
        accounts,
        may_settle,
        addresses.next_page(addresses.operating.BALANCES, waiting.next_cursor),
    )


def _account(uow: UnitOfWork, one: ConnectedAccountView) -> HeldAccountLine:
    needs = tuple(dict.fromkeys(map(group_of, one.requirements)))
    name = get_party(uow, one.org_id).display_name
    return HeldAccountLine(name, one.gateway, one.state, needs, one.trouble or one.disabled_reason)


routes = [show_balances, read_now]
