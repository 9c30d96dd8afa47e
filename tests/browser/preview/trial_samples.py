"""Trials: the sheet that begins one, with a payment method and without, and what is in use."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from api.pages.buy.views import BuyView, QuotePanelLine
from api.pages.entitlements.views import EntitlementView, SubscriptionPanel
from api.pages.frame.choices import Choice
from tests.browser.preview.buying_samples import ID, NOW, cny
from tests.browser.preview.finance_samples import FinanceSamples

_ENDS = NOW + timedelta(days=14)


def sheet(s: FinanceSamples, *, converts: bool) -> BuyView:
    """Nothing now, and what follows."""
    whole = s.buy(alone=True)
    after = s.pick(
        "开通后免费使用 14 天。到期自动结束；如需继续，可按此价购买：1 年 ¥3,980.00。",
        "14 days for nothing, from when it is ready. It then ends by itself, unless you buy it: CN¥3,980.00 for 1 year.",
    )
    line = QuotePanelLine(s.pick("试用 14 天", "Trial of 14 days"), cny(0))
    quote = replace(whole.quote, lines=(line,), net=cny(0), tax=cny(0), gross=cny(0), trial=after)
    return replace(whole, quote=quote, trial=True, pays=converts)


def in_use(s: FinanceSamples, *, converts: bool) -> EntitlementView:
    """Until when it is tried, and what follows."""
    panel = SubscriptionPanel(
        ID.format(72),
        "trial",
        converts,
        _ENDS,
        _ENDS if converts else None,
        s.pick("¥3,980.00", "CN¥3,980.00"),
        None,
        converts,
        s.pick("1 年", "1 year"),
        may_buy=True,
        methods=() if converts else (Choice("m1", s.pick("对公账户 · 尾号 0210", "Company account · 0210")),),
    )
    return replace(s.entitlement(), state="trial", valid_until=_ENDS, subscription=panel)


def trial_pages(s: FinanceSamples) -> dict[str, BuyView | EntitlementView]:
    """Every page of a trial by name."""
    return {
        "buy-trial": sheet(s, converts=False),
        "buy-trial-converts": sheet(s, converts=True),
        "entitlement-trial": in_use(s, converts=False),
        "entitlement-trial-converts": in_use(s, converts=True),
    }
