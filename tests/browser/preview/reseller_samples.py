"""Sample views of what the platform sells itself: a seller's statement with what it invoices, and the purchase."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from api.pages.frame import addresses
from api.pages.frame.rendering import View
from api.pages.invoices.views import IssuedInvoicesView
from api.pages.money.views import StatementItem, StatementItemLine, StatementView, SupplyItem
from tests.browser.preview.buying_samples import ID, NOW, Samples, cny
from tests.browser.preview.finance_samples import FinanceSamples


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


def issued_pages(s: FinanceSamples) -> dict[str, View]:
    """What a seller issued: the list, one document opened, and nothing."""
    shown = s.invoices(opened=True)
    bought = (s.buyer, s.pick("远洋物流有限公司", "Ocean Logistics GmbH"))
    rows = tuple(replace(row, seller_name=s.seller, buyer_name=bought[n % 2]) for n, row in enumerate(shown.rows))
    view = IssuedInvoicesView(
        month=shown.month,
        months=shown.months,
        rows=rows,
        count=len(rows),
        pending=0,
        totals=shown.totals,
        kinds=("invoice", "credit_note"),
        export_address=addresses.INVOICES_EXPORT,
    )
    opened = replace(shown.opened, row=rows[0], fapiao_address=addresses.fapiao.SELLER_FAPIAO) if shown.opened else None
    return {
        "issued-invoices": view,
        "issued-invoices-open": replace(view, opened=opened),
        "issued-invoices-none": replace(view, rows=(), count=0, totals=(), of_platform=True),
    }
