"""Sample views of the platform's books and of their reconciliation."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from api.pages.books.handlers import KINDS
from api.pages.books.views import (
    AccountCodeItem,
    AccountCodesView,
    AccountingPeriodItem,
    AccountItem,
    AccountsView,
    BooksView,
    DifferenceItem,
    LedgerAccountView,
    LegItem,
    PostingItem,
    ReconciliationView,
    RunItem,
    TransactionPage,
    TrialBalanceItem,
)
from api.pages.deferred_revenue.views import (
    DeferredLineItem,
    DeferredMonthItem,
    PlatformDeferredView,
    SellerDeferredView,
)
from api.pages.frame import addresses
from api.pages.frame.rendering import View
from billing.journal_export.models import FORMATS
from tests.browser.preview.buying_samples import ID, NOW, Samples, cny
from tests.browser.preview.selling_samples import DeskSamples

AT = addresses.books


def accounts(s: Samples) -> tuple[AccountItem, ...]:
    """What is owed, what is there, and what is ours."""
    where = AT.account(ID.format(80))
    return (
        AccountItem(where, s.seller, "party_available", "", cny(-12_034_050)),
        AccountItem(where, s.buyer, "buyer_credit", "", cny(0)),
        AccountItem(where, s.pick("平台", "Platform"), "gateway_cash", "sandbox", cny(1_980_034_050)),
        AccountItem(where, s.pick("平台", "Platform"), "commission", "", cny(-98_012_300)),
    )


def books(s: Samples) -> BooksView:
    """A month that is open after two that were closed."""
    rows = tuple(
        TrialBalanceItem(one.kind, one.gateway, one.balance, cny(398_000), cny(199_000), one.balance, AT.ACCOUNTS)
        for one in accounts(s)
    )
    return BooksView(
        month="2026-11",
        first_on=date(2026, 11, 1),
        last_on=date(2026, 11, 30),
        rows=rows,
        totals=((cny(0), cny(1_592_000), cny(1_592_000), cny(0)),),
        periods=(
            AccountingPeriodItem(
                date(2026, 9, 1), "closed", 1_204, s.pick("李敏", "Li Min"), NOW, reopen=AT.reopening(ID.format(1))
            ),
            AccountingPeriodItem(
                date(2026, 8, 1),
                "reopened",
                None,
                s.pick("王芳", "Wang Fang"),
                NOW - timedelta(days=30),
                s.pick("漏记一张发票", "An invoice had been left out"),
            ),
        ),
        next_month=date(2026, 10, 1),
        may_close=True,
        currencies=("CNY", "USD"),
    )


def postings(s: Samples) -> LedgerAccountView:
    """One that was late."""
    where = AT.transaction(ID.format(81))
    return LedgerAccountView(
        accounts(s)[0],
        (
            PostingItem(where, "payout_scheduled", f"payout:{ID.format(1)}:scheduled", cny(1_203_000), NOW, None),
            PostingItem(where, "release", f"release:{ID.format(2)}", cny(-398_000), NOW, NOW - timedelta(days=40)),
        ),
        AT.ACCOUNTS,
    )


def reconciliation(s: Samples) -> ReconciliationView:
    """One that somebody looks into, one that nobody does."""
    one = DifferenceItem(
        ID.format(90),
        "gateway_sandbox",
        "payment",
        "sbx_pay_01a22b514f0d7e129b7147c436bbf74d",
        cny(398_000),
        cny(398_001),
        cny(1),
        "open",
        3_000,
        None,
        False,
        "",
        addresses.TRACE,
    )
    return ReconciliationView(
        runs=(
            RunItem("documents", 20_342, 0, NOW),
            RunItem("gateway_sandbox", 8_120, 1, NOW),
            RunItem("ledger", 120_348, 0, NOW),
            RunItem("statements", 412, 1, NOW),
        ),
        rows=(
            one,
            replace(
                one,
                id=ID.format(91),
                leg="statements",
                kind="statement",
                subject=ID.format(3),
                found=None,
                difference=cny(-398_000),
                state="explained",
                age_s=200_000,
                owner=s.pick("李敏", "Li Min"),
                is_mine=True,
                reason=s.pick("银行次日到账，等待回单。", "The bank pays the day after; its slip is awaited."),
            ),
        ),
        may_decide=True,
    )


def operators_pages(s: DeskSamples) -> dict[str, View]:
    """All of them by name."""
    refused = s.pick(
        "重新打开须由结账人以外的人操作。该月份仍为已结账。请另一位运营人员打开。",
        "Somebody else than who closed the month opens it again. The month stays closed. Ask another operator.",
    )
    codes = tuple(AccountCodeItem("voucher", kind, "2241.01", s.pick("其他应付款", "Payable")) for kind in KINDS)
    legs = (
        LegItem(AT.account(ID.format(80)), s.buyer, "buyer_credit", "", cny(398_000)),
        LegItem(AT.account(ID.format(80)), s.seller, "party_pending", "", cny(-338_300)),
        LegItem(AT.account(ID.format(80)), s.pick("平台", "Platform"), "commission", "", cny(-59_700)),
    )
    return {
        "operator-books": books(s),
        "operator-books-refused": replace(books(s), error=refused),
        "operator-books-none": BooksView("2026-11", date(2026, 11, 1), date(2026, 11, 30), (), ()),
        "operator-accounts": AccountsView(accounts(s), KINDS, "party_available", "CNY", "2026-10-31", AT.ACCOUNTS),
        "operator-accounts-none": AccountsView((), KINDS),
        "operator-account": postings(s),
        "operator-account-empty": replace(postings(s), postings=(), next_address=None),
        "operator-transaction": TransactionPage(
            "charge", f"charge:{ID.format(4)}", NOW, NOW, NOW - timedelta(days=40), addresses.TRACE, legs
        ),
        "operator-account-codes": AccountCodesView("voucher", FORMATS, codes, True, refused),
        "operator-account-codes-read": AccountCodesView("datev", FORMATS, codes),
        "operator-reconciliation": reconciliation(s),
        "operator-reconciliation-none": ReconciliationView((), ()),
    }


def sellers_pages(_: DeskSamples) -> dict[str, View]:
    """Deferred revenue of two months, and the terms of one."""
    where = AT.SELLER_DEFERRED
    months = (
        DeferredMonthItem(date(2026, 12, 1), cny(33_726), cny(331_507), 2, where),
        DeferredMonthItem(date(2026, 11, 1), cny(32_712), cny(365_233), 2, where),
    )
    line = DeferredLineItem(
        "CM-7K2M9R", addresses.TRACE, date(2026, 11, 2), date(2027, 11, 2), cny(398_000), cny(32_712), cny(365_288)
    )
    return {
        "seller-deferred": SellerDeferredView(months),
        "seller-deferred-month": SellerDeferredView((), (line, line), date(2026, 11, 1), where),
        "seller-deferred-none": SellerDeferredView(),
        "operator-deferred": PlatformDeferredView(months),
        "operator-deferred-none": PlatformDeferredView(),
    }
