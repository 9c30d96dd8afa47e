"""Whether the gateways hold what our books say, and what of theirs is not booked yet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from litestar import Response
from litestar.di import NamedDependency as Given

from api.pages.frame import addresses
from api.pages.frame.phrases import failure, money
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.gateway_balances.views import BalanceLine, EntryLine, GatewayBalancesView, ReadingLine
from api.v1.gateway_balances import ask_for_reading
from billing.gateway_balances.queries import compare_balances, list_balance_entries, list_readings
from kernel.errors import DomainError

PAGE = 30
SETTLES = "operator.payouts"


@page(addresses.desk.BALANCES, "operator.read")
def show_balances(page_request: Given[PageRequest]) -> Response[str]:
    """What each gateway holds, what our books say, and what waits."""
    return page_request.render(_view(page_request))


@form_post(addresses.desk.READ_BALANCE, SETTLES)
def read_now(page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Read what is new at a gateway, at once. Pressed twice, it is read once."""
    gateway = form.text("gateway", most=40)
    try:
        page_request.transact(lambda uow: ask_for_reading(page_request.services, uow, gateway))
    except DomainError as refused:
        view = replace(_view(page_request), error=failure(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.desk.BALANCES, notice="balance_reading")


def _view(page_request: PageRequest) -> GatewayBalancesView:
    cursor = page_request.query("cursor", most=200) or None
    with page_request.work() as uow:
        compared, readings = compare_balances(uow), {one.gateway: one for one in list_readings(uow)}
        waiting = list_balance_entries(uow, waiting=True, cursor=cursor, limit=PAGE)
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
    names = sorted({*page_request.services.gateways, *readings})
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
        page_request.principal.may(SETTLES),
        addresses.next_page(addresses.desk.BALANCES, waiting.next_cursor),
    )


routes = [show_balances, read_now]
