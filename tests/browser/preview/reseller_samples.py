"""Sample views of what the platform sells itself: a seller's statement with what it invoices, and the purchase."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from api.pages.frame import addresses
from api.pages.frame.rendering import View
from api.pages.money.views import StatementItem, StatementItemLine, StatementView, SupplyItem
from tests.browser.preview.buying_samples import ID, NOW, Samples, cny


def buyers_pages(s: Samples) -> dict[str, View]:
    """The buyer's pages by name."""
    shown = s.buy()
    return {
        "buy-resold": replace(shown, quote=replace(shown.quote, issuers=(s.platform,))),
        "order-resold": s.order(),
    }


def sellers_pages(s: Samples) -> dict[str, View]:
    """The seller's pages by name."""
    row = StatementItem(
        id=ID.format(70),
        number="ST-2026-000012",
        starts_on=date(2026, 11, 1),
        ends_on=date(2026, 12, 1),
        carried=cny(0),
        gross=cny(717_151),
        refunds=cny(-53_100),
        commission=cny(-59_700),
        promoter=cny(0),
        net=cny(604_351),
        state="closed",
    )
    nothing = cny(0)
    lines = tuple(
        StatementItemLine(kind, ID.format(71), number, s.hiring, NOW, gross, refunds, commission, nothing, net)
        for kind, number, gross, refunds, commission, net in (
            ("supply", "20261104-7D6F12AA04", cny(319_151), nothing, nothing, cny(319_151)),
            ("supply_refund", "20261104-7D6F12AA04", nothing, cny(-53_100), nothing, cny(-53_100)),
            ("sale", "20261103-7D6F12AA03", cny(398_000), nothing, cny(-59_700), cny(338_300)),
        )
    )
    supplies = (SupplyItem(60_000, cny(250_992), cny(15_059), cny(266_051)),)
    view = StatementView(row, lines, s.seller, addresses.SELLER_MONEY, supplies=supplies, platform_name=s.platform)
    return {"statement-resold": view}
