"""Sample views of bank transfers: the operators' desk, and what a payer is to send."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from api.pages.bank.views import (
    BankAccountItem,
    BankLineItem,
    BankLinePage,
    BankOutgoingItem,
    BankPart,
    BankReportLine,
    BankReportView,
    BankReturnItem,
    BankView,
)
from api.pages.frame.rendering import View
from api.pages.payments.views import TransferPage
from billing.bank.ask_return import BankReturnView
from billing.bank.import_statement import ImportReport
from billing.bank.queries import AssignmentView, BankAccountView, BankLineView, OutgoingView, TransferView
from billing.bank.statements.model import FileFault
from tests.browser.preview.buying_samples import ID, NOW, Samples, cny
from tests.browser.preview.selling_samples import DeskSamples

ONE = UUID(ID.format(80))


def _account(s: Samples) -> BankAccountItem:
    bank, holder = s.pick("中国工商银行上海分行", "ICBC Shanghai"), s.pick("视频渠道平台有限公司", "Platform Ltd")
    found = BankAccountView(
        ONE, "cny-icbc", "CNY", holder, bank, "1001234509000567890", "102290000017", "", 30, True, 5_400_000, 2, NOW
    )
    return BankAccountItem(found, cny(5_400_000))


def _line(s: Samples, reason: str, amount_minor: int, open_minor: int) -> BankLineView:
    return BankLineView(
        id=ONE,
        account_id=ONE,
        account_code="cny-icbc",
        booked_on=NOW.date(),
        amount_minor=amount_minor,
        open_minor=open_minor,
        currency="CNY",
        counterparty_name=s.buyer,
        counterparty_account="6222020200001234567",
        remark=s.pick("货款 BT7KQ2M9XW", "goods BT7KQ2M9XW"),
        bank_reference="20261130-8812",
        reason=reason,
        seems_for="BT7KQ2M9XW",
        seems_missing_minor=398_000,
        seems_state="awaited",
        assignments=(AssignmentView("payment", 98_000, "BT7KQ2M9XW", None, NOW),),
        created_at=NOW - timedelta(hours=5),
    )


def _outgoing(s: Samples) -> BankOutgoingItem:
    found = OutgoingView(
        ONE,
        "cny-icbc",
        "refund",
        "BT3MXW8KQ5",
        198_000,
        "CNY",
        s.buyer,
        "6222020200001234567",
        "to_send",
        "",
        None,
        NOW,
    )
    return BankOutgoingItem(found, cny(198_000), ("sent", "failed"))


def _returned(s: Samples, minor: int, *, own: bool) -> BankReturnItem:
    found = BankReturnView(
        ONE,
        ONE,
        minor,
        "CNY",
        s.buyer,
        "6222020200001234567",
        s.pick("与本平台无关的汇款", "not for anything here"),
        "asked",
        None,
        None,
        None,
        None,
        NOW,
    )
    return BankReturnItem(found, cny(minor), own)


def _transfer(s: Samples, state: str) -> TransferPage:
    found = TransferView(
        id=ONE,
        payment_id=ONE,
        payer_name=s.buyer,
        state=state,
        is_owed=False,
        remark_code="BT7KQ2M9XW",
        amount_minor=398_000,
        missing_minor=398_000 if state == "awaited" else 0,
        currency="CNY",
        description="CM-7K2M9R",
        holder=s.pick("视频渠道平台有限公司", "Platform Ltd"),
        bank_name=s.pick("中国工商银行上海分行", "ICBC Shanghai"),
        account_number="1001234509000567890",
        bank_code="102290000017",
        is_virtual=False,
        deadline_at=NOW + timedelta(days=30),
        files=("en", "zh-CN"),
        created_at=NOW,
    )
    return TransferPage(found, ID.format(1), cny(398_000), None, "en", may_withdraw=True)


def operators_pages(s: DeskSamples) -> dict[str, View]:
    """The desk by name."""
    lines = tuple(
        BankLineItem(_line(s, reason, minor, minor), cny(minor), cny(minor), 18_000)
        for reason, minor in (("over", 420_000), ("unknown_payer", 7_700))
    )
    one = _line(s, "over", 496_000, 398_000)
    report = ImportReport(ONE, "csv", "CNY", 100, 200, faults=[FileFault(7, "amount_broken", "12.345")])
    return {
        "bank": BankView(
            (_account(s),),
            lines,
            "open",
            None,
            (_outgoing(s),),
            True,
            True,
            ("CNY", "EUR"),
            returns=(_returned(s, 2_000_000, own=False), _returned(s, 1_200_000, own=True)),
        ),
        "bank-none": BankView((), (), "open", None, (), False, True, ("CNY",)),
        "bank-line": BankLinePage(
            one, cny(496_000), cny(398_000), cny(398_000), "3980.00", (BankPart(one.assignments[0], cny(98_000)),), True
        ),
        "bank-report": BankReportView(
            report,
            cny(100),
            cny(200),
            (BankReportLine(7, "amount_broken", None, "", "12.345"),),
            (BankReportLine(4, "matched", cny(398_000), s.buyer, "BT7KQ2M9XW"),),
            0,
        ),
    }


def buyers_pages(s: DeskSamples) -> dict[str, View]:
    """What a payer sees."""
    return {"transfer": _transfer(s, "awaited"), "transfer-received": _transfer(s, "received")}
