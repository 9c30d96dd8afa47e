"""Sample views of gateways: their balances beside the ledger, and a party's account there."""

from __future__ import annotations

from datetime import timedelta

from api.pages.frame.choices import Choice
from api.pages.frame.rendering import View
from api.pages.gateway_balances.views import BalanceLine, EntryLine, GatewayBalancesView, HeldAccountLine, ReadingLine
from api.pages.seller_start.gateway_account import GatewayAccountItem
from api.pages.seller_start.views import PayoutAccountsView
from kernel.money import Money
from tests.browser.preview.buying_samples import NOW, Samples, cny
from tests.browser.preview.selling_samples import DeskSamples


def operators_pages(s: DeskSamples) -> dict[str, View]:
    """A gateway that agrees, one that differs, and what waits."""
    usd = Money(1_204_380, "USD")
    lines = (
        BalanceLine("sandbox", cny(86_402_118), cny(0), cny(86_402_118), cny(0), cny(0)),
        BalanceLine("stripe", cny(20_417_301), cny(3_980_000), cny(20_427_301), cny(-10_700), cny(700)),
        BalanceLine("stripe", usd, Money(0, "USD"), usd, Money(0, "USD"), Money(0, "USD")),
    )
    readings = (
        ReadingLine("sandbox", NOW - timedelta(minutes=4), ""),
        ReadingLine("stripe", NOW - timedelta(hours=2), "not_reached"),
    )
    waiting = (EntryLine("stripe", "dispute", "txn_3Pg7BB7WZ01zgkW", "dp_1PgafyB7WZ01zgkWSjxsAJo3", cny(-10_700), NOW),)
    accounts = (HeldAccountLine(s.seller, "stripe", "restricted", ("documents", "owners"), "requirements.past_due"),)
    return {
        "operator-balances": GatewayBalancesView(lines, readings, waiting, accounts, may_read=True),
        "operator-balances-none": GatewayBalancesView((), (ReadingLine("sandbox", None, ""),), ()),
    }


def _page(s: Samples, item: GatewayAccountItem) -> PayoutAccountsView:
    typed = {"currency": "CNY", "country": "CN", "holder": s.seller, "bank_name": "", "account": "", "bank_code": ""}
    choices = (Choice("CN", s.pick("中国", "China")),), (Choice("CNY", "CNY"),)
    return PayoutAccountsView((), *choices, typed, gateways=(item,))


def sellers_pages(s: DeskSamples) -> dict[str, View]:
    """An account that is to be opened, one that holds money, and one that is paid."""
    held = GatewayAccountItem(
        "stripe",
        "restricted",
        ("documents", "owners"),
        ("individual.verification.document", "directors.first_name"),
        reason="requirements.past_due",
        trouble="not_reached",
        balance=(cny(-12_300), Money(98_100, "EUR")),
        asked_at=NOW - timedelta(hours=3),
    )
    paid = GatewayAccountItem("stripe", "enabled", can_receive=True, pays_out=True, asked_at=NOW, used_for=("EUR",))
    offered = GatewayAccountItem("stripe", "enabled", can_receive=True, pays_out=True, asked_at=NOW, used_for=())
    return {
        "payout-account-none": _page(s, GatewayAccountItem("stripe", "")),
        "payout-account-held": _page(s, held),
        "payout-account-paid": _page(s, paid),
        "payout-account-offered": _page(s, offered),
    }
