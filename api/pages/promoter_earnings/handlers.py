"""The page on which an organization reads which of its members and channels brought what."""

from __future__ import annotations

from litestar import Response
from litestar.di import NamedDependency as Given

from api.pages.frame import addresses
from api.pages.frame.phrases import money
from api.pages.frame.site import PageRequest, page
from api.pages.promoter_earnings.views import BringerItem, PromoterEarningsView
from api.v1.promoter_earnings import PERMISSION
from kernel.money import Money
from orders.promoter_earnings import BroughtBy, earnings_by_bringer

_OWN = ("person", "channel")
"""Whose views are counted."""


@page(addresses.shares.EARNINGS, PERMISSION)
def show_earnings(page_request: Given[PageRequest]) -> Response[str]:
    """Everybody with a share link, every channel, and what neither brought."""
    with page_request.work() as uow:
        rows = earnings_by_bringer(uow)
    view = PromoterEarningsView(tuple(_item(page_request, row) for row in rows), _totals(rows))
    return page_request.render(view)


def _item(page_request: PageRequest, row: BroughtBy) -> BringerItem:
    name = page_request.pick(row.name, row.name_en)
    return BringerItem(
        kind=row.kind,
        name=name or page_request.t(f"promoter_earnings.{row.kind}"),
        views=row.views if row.kind in _OWN else None,
        visits=row.visits if row.kind == "person" else None,
        orders=row.orders,
        amounts=tuple(
            (money(one.earned_minor, one.currency), money(one.paid_minor, one.currency)) for one in row.earned
        ),
        address=addresses.channel(str(row.subject_id)) if row.kind == "channel" else "",
    )


def _totals(rows: list[BroughtBy]) -> tuple[tuple[Money, Money], ...]:
    sums: dict[str, list[int]] = {}
    for one in (amounts for row in rows for amounts in row.earned):
        total = sums.setdefault(one.currency, [0, 0])
        total[0] += one.earned_minor
        total[1] += one.paid_minor
    return tuple(
        (money(earned_minor, currency), money(paid_minor, currency))
        for currency, (earned_minor, paid_minor) in sorted(sums.items())
    )


routes = [show_earnings]
