"""Sample view models in Chinese and English: notifications, in the words in which the market tells them."""

from __future__ import annotations

from datetime import timedelta

from api.pages.notifications.views import NotificationItem, NotificationsView, PreferencesView, UnsubscribeView
from marketplace.notifications.kinds import GROUPS, KINDS
from marketplace.notifications.notification_text import notification_text
from marketplace.notifications.preferences import Preference
from tests.browser.preview.buying_samples import ID, NOW
from tests.browser.preview.finance_samples import FinanceSamples


class NotificationSamples(FinanceSamples):
    """Views in one language."""

    def notifications(self, *, none: bool = False) -> NotificationsView:
        """One of every kind, the first ones unread; or nothing."""
        params: dict[str, str | int] = {
            "what": self.hiring,
            "subject": self.pick("第 12 席位无法登录", "Seat 12 cannot sign in"),
            "number": "20261122-5B8C2E4A6D",
            "documents": 2,
            "original": "26332000000012345678",
            "seller": self.seller,
            "buyer": self.buyer,
            "amount_minor": 398_000,
            "currency": "CNY",
            "asked_by": self.pick("林知夏", "Lin Zhixia"),
            "decided_by": self.pick("陈立", "Chen Li"),
            "changed_by": self.pick("陈立", "Chen Li"),
            "cancelled_by": self.pick("陈立", "Chen Li"),
            "member": self.pick("吴桐", "Wu Tong"),
            "organization": self.buyer,
            "last4": "7781",
            "gateway": "Stripe",
            "author": self.pick("林知夏", "Lin Zhixia"),
            "reason": self.pick("租户名已被占用", "The tenant's name is taken"),
            "person": self.pick("林知夏", "Lin Zhixia"),
            "text": self.pick("支持私有部署吗？", "Can it run on our own servers?"),
            "why": self.pick("一张卡片上的商品不在售", "the product of a card was not on sale"),
            "agent": "Safari · macOS",
            "left": 9,
            "failed": 5,
            "counted": 5,
            "reference": "CM7K2Q9XHD",
            "deputy": self.pick("吴桐", "Wu Tong"),
            "provider": self.pick("钉钉", "DingTalk"),
            "from": "2026-11-23",
            "until": "2026-11-30",
            "day": "2027-01-31",
            "kept_until": "2027-04-15",
            "extra_days": "7",
            "days": 14,
            "tax_id": "91310000MA1K35TX2X",
            "milestone": self.pick("评估报告", "Assessment"),
            "dimension": self.pick("接口调用", "API calls"),
            "percent": "80",
            "who": self.pick("云帆软件", "Yunfan Software"),
            "channel": self.seller,
            "coupon": self.pick("新品上市 (LAUNCH-20)", "Launch (LAUNCH-20)"),
            "company": self.pick("远山科技", "Yuanshan Technology"),
            "circle": self.pick("华东招聘同行圈", "Hiring in East China"),
            "hall": self.pick("秋季云展会", "Autumn fair"),
        }
        items = []
        for number, kind in enumerate(KINDS):
            said = notification_text(kind, params, self.language)
            at = NOW - timedelta(hours=5 * number)
            items.append(NotificationItem(ID.format(number), said.title, said.text, said.action, number > 2, at))
        return NotificationsView(() if none else tuple(items), 0 if none else 3)

    def preferences(self) -> PreferencesView:
        """Every group at its default."""
        found = (
            Preference(one.name, one.default, one.essential, any(k.mailed for k in KINDS.values() if k.group is one))
            for one in GROUPS.values()
        )
        return PreferencesView(tuple(found), "lin@yuanshan.example")

    def unsubscribe(self, *, is_done: bool = False) -> UnsubscribeView:
        """By a link in a mail."""
        return UnsubscribeView("orders", "lin@yuanshan.example", "signed", is_done)
