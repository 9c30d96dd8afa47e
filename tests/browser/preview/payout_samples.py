"""Sample views of payouts: a party's settings, and the operator's batches and reports of banks."""

from __future__ import annotations

from datetime import date, timedelta

from api.pages.frame.choices import Choice
from api.pages.frame.rendering import View
from api.pages.payouts.views import (
    BatchedItem,
    BatchItem,
    PayoutAccountItem,
    PayoutBatchesView,
    PayoutBatchView,
    PayoutReportView,
    PayoutScheduleItem,
    PayoutSettingsView,
    ReportItem,
    ReportLineItem,
    WaitingAmount,
    WaitingStatement,
)
from billing.connected_accounts.pay_to_account import PayableGatewayAccount
from tests.browser.preview.buying_samples import ID, NOW, Samples, cny


def partys_pages(s: Samples) -> dict[str, View]:
    """A seller's settings: one statement is due, another waits for an account."""
    settings = PayoutSettingsView(
        accounts=(
            PayoutAccountItem("CNY", "bank", s.pick("招商银行", "China Merchants Bank"), s.seller, "7781", "held", NOW),
            PayoutAccountItem("EUR", "stripe", "", s.seller, "x4Kq", "", None),
        ),
        schedules=(PayoutScheduleItem("CNY", "weekly", 5, cny(100_000)), PayoutScheduleItem("EUR", "monthly", 3, None)),
        waiting=(
            WaitingStatement(ID.format(91), "ST-2026-11", cny(864_200), "bank", "7781", "held", NOW, None),
            WaitingStatement(ID.format(92), "ST-2026-12", cny(91_500), "", "", "missing", None, None),
        ),
        currencies=(Choice("CNY", "CNY"), Choice("EUR", "EUR")),
        typed={"currency": "CNY", "every": "monthly", "weekday": "1", "month_day": "1", "minimum": "", "account": ""},
        is_seller=True,
        may_change=True,
        plays=True,
        offers=(PayableGatewayAccount("stripe", "x4Kq", ("EUR",)),),
    )
    return {"payout-settings": settings}


def operators_pages(s: Samples) -> dict[str, View]:
    """The desk: what waits, a batch under way with a payout that the bank refused, and its report."""
    bank = s.pick("招商银行", "China Merchants Bank")
    closed = s.pick("账户已销户", "The account is closed")
    rows = (
        BatchedItem(ID.format(86), s.seller, "ST-2026-11", bank, "7781", cny(864_200), "paid", "", stale=False),
        BatchedItem(ID.format(87), s.buyer, "ST-2026-12", bank, "0210", cny(91_500), "failed", closed, stale=False),
    )
    batch = PayoutBatchView(
        ID.format(88), "partly", cny(955_700), rows, NOW, NOW, NOW, date(2026, 12, 3), second_person=True, plays=True
    )
    lines = (
        ReportLineItem(1, ID.format(86), ID.format(86).replace("-", ""), "paid", "", cny(864_200), "applied"),
        ReportLineItem(2, ID.format(87), ID.format(87).replace("-", ""), "failed", "AC04", cny(91_500), "applied"),
        ReportLineItem(3, "", "RENT-2026-12", "paid", "", None, "not_ours"),
    )
    batches = PayoutBatchesView(
        (WaitingAmount("CNY", 12, cny(1_864_200)),),
        (
            BatchItem(ID.format(88), "partly", 2, cny(955_700), NOW),
            BatchItem(ID.format(89), "drafted", 8, cny(3_955_700), NOW - timedelta(days=1)),
        ),
        (ReportItem(ID.format(90), "camt053-20261203.xml", "camt.053", 3, NOW),),
        None,
    )
    return {
        "payout-batches": batches,
        "payout-batch": batch,
        "payout-batch-drafted": PayoutBatchView(
            ID.format(89),
            "drafted",
            cny(955_700),
            rows[:1],
            NOW,
            None,
            None,
            date(2026, 12, 3),
            second_person=True,
            plays=True,
        ),
        "payout-report": PayoutReportView("camt.053", "camt053-20261203.xml", lines, dry_run=True, is_new=True),
    }
