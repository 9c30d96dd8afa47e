"""Sample views of purchases on account: a buyer's own, and the platform's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from api.pages.frame.rendering import View
from api.pages.on_account.views import AgeItem, CreditLineItem, CreditLinesPage, NoticeItem, OnAccountPage, OwedItem
from billing.credit_lines.queries import CreditLineView
from billing.on_account.queries import NoticeView, OwedView, owed_age
from tests.browser.preview.buying_samples import ID, NOW, Samples, cny
from tests.browser.preview.selling_samples import DeskSamples

ONE = UUID(ID.format(1))
TYPED = dict.fromkeys(("organization", "currency", "limit", "term_days", "reason"), "")


def _line(s: Samples, *, asks: bool = False) -> CreditLineItem:
    found = CreditLineView(
        id=UUID(ID.format(2)) if asks else ONE,
        org_id=ONE,
        organization=s.buyer,
        currency="CNY",
        state="open",
        limit_minor=5_000_000,
        term_days=30,
        used_minor=1_196_000,
        held_minor=398_000,
        available_minor=3_406_000,
        is_overdue=not asks,
        first_due_at=NOW - timedelta(days=9),
        asked_minor=8_000_000 if asks else None,
        asked_reason=s.pick("第四季度扩编，每月约 20 席", "Twenty more seats a month in the fourth quarter"),
        asked_at=NOW if asks else None,
        decision_reason=s.pick("合作满一年，付款及时", "A year of business, always paid in time"),
        decided_at=NOW,
        created_at=NOW,
    )
    asked = cny(8_000_000) if asks else None
    return CreditLineItem(found, cny(5_000_000), cny(1_196_000), cny(398_000), cny(3_406_000), asked, "50000.00")


def _owed(s: Samples, days: int, minor: int) -> OwedItem:
    found = OwedView(
        transfer_id=ONE,
        payment_id=ONE,
        org_id=ONE,
        organization=s.buyer,
        description="CM-7K2M9R",
        remark_code="BT7KQ2M9XW",
        owed_minor=minor,
        currency="CNY",
        due_at=NOW - timedelta(days=days),
        days_overdue=max(days, 0),
        age=owed_age(max(days, 0)),
        created_at=NOW - timedelta(days=30 + days),
    )
    return OwedItem(found, cny(minor))


def _told(s: Samples) -> NoticeItem:
    found = NoticeView(
        ONE, ONE, s.buyer, "BT7KQ2M9XW", "CM-7K2M9R", 7, 798_000, "CNY", NOW - timedelta(days=9), ("en", "zh-CN"), NOW
    )
    return NoticeItem(found, cny(798_000), "/v1/dunning-notices/1/pdf")


def _ages() -> tuple[AgeItem, ...]:
    return AgeItem("current", cny(398_000), 1), AgeItem("to_30", cny(798_000), 2)


def buyers_pages(s: Samples) -> dict[str, View]:
    """What a buyer may owe and owes; and one that has no line yet."""
    owed = (_owed(s, 9, 798_000), _owed(s, -20, 398_000))
    page = OnAccountPage((_line(s),), owed, _ages(), (_told(s),), None, True, True, ("CNY", "EUR"), TYPED)
    return {
        "on-account": page,
        "on-account-none": replace(page, lines=(), owed=(), ages=(), reminders=(), offered_here=False),
    }


def operators_pages(s: DeskSamples) -> dict[str, View]:
    """Lines and what is owed."""
    owed = (_owed(s, 41, 798_000), _owed(s, 1, 398_000))
    page = CreditLinesPage(
        (_line(s, asks=True), _line(s)),
        "asked",
        None,
        owed,
        _ages(),
        (_told(s),),
        None,
        True,
        True,
        ("CNY", "EUR"),
        TYPED,
    )
    return {
        "credit-lines": page,
        "credit-lines-none": replace(page, lines=(), owed=(), ages=(), reminders=(), shown="", may_write=False),
    }
