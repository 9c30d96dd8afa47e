"""Announcements: a seller's, with the form that was refused, and what an organization was sent."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from api.pages.announcements.views import AnnouncementRow, ReceivedPage, ReceivedRow, SellerAnnouncementsPage
from api.pages.frame.announcement_addresses import opt_out, withdrawal
from api.pages.frame.choices import Choice
from orders.announcements.queries import AnnouncementView
from tests.browser.preview.buying_samples import NOW, Samples

ID = UUID("019aa5f0-5c00-7000-8000-000000000006")
LIMITS = (
    "每 30 天最多发布 10 条，每个组织最多收到 4 条；每天 9 时至 21 时送达。",
    "10 in 30 days at most, 4 to one organization; delivered between 9 and 21 o'clock.",
)


def _row(s: Samples, title: tuple[str, str], state: str, left_out: int = 0) -> AnnouncementRow:
    one = AnnouncementView(ID, s.pick(*title), "…", "customers", None, None, state, 128, 120, 86, left_out, NOW, NOW)
    return AnnouncementRow(one, s.pick("全部客户", "All customers"), withdrawal(ID) if state == "sending" else "")


def sellers(s: Samples, *, refused: bool = False) -> SellerAnnouncementsPage:
    """One that is being delivered, one that is done; or the first, whose words were refused."""
    title = s.pick("本周六凌晨升级，期间可能无法登录", "Upgrade on Saturday night; signing in may fail meanwhile")
    rows = (
        _row(
            s,
            ("本周六凌晨升级，期间可能无法登录", "Upgrade on Saturday night; signing in may fail meanwhile"),
            "sending",
        ),
        _row(s, ("报表可按部门导出", "Reports can be exported by department"), "sent", 8),
    )
    wrong = s.pick("公告中含有站外地址、邮箱或电话号码。", "It names an address outside the market.")
    return SellerAnnouncementsPage(
        () if refused else rows,
        (Choice("customers", s.pick("全部客户", "All customers")),),
        "k",
        s.pick(*LIMITS),
        title=title if refused else "",
        text="https://elsewhere.example" if refused else "",
        error_field="text" if refused else "",
        field_error=wrong if refused else "",
    )


def received(s: Samples) -> ReceivedPage:
    """Of two sellers, of which one is taken no more."""
    title = s.pick("本周六凌晨升级，期间可能无法登录", "Upgrade on Saturday night; signing in may fail meanwhile")
    return ReceivedPage(
        (
            ReceivedRow(s.seller, title, NOW, "/conversations/1", opt_out(ID), is_out=False),
            ReceivedRow(
                s.pick("云帆软件有限公司", "Yunfan Software"),
                title,
                NOW - timedelta(days=2),
                "/c",
                opt_out(ID),
                is_out=True,
            ),
        )
    )
