"""Approval outside: an app that is connected, and the form for the first one."""

from __future__ import annotations

from datetime import timedelta

from api.pages.approval_apps.views import AppMemberShown, ApprovalAppView, AppTyped, CallbackShown
from tests.browser.preview.buying_samples import NOW, Samples


def connected(s: Samples) -> ApprovalAppView:
    """Tested, with members of whom one has no user id, and what came back."""
    name = s.pick("钉钉", "DingTalk")
    counted = s.pick(f"林雨 在{name}同意", f"Lin Yu agreed in {name}")
    late = s.pick(
        f"陈可 在{name}拒绝——未计入：该采购已不待审批",
        f"Chen Ke refused in {name} – not counted: the purchase waits for no approval any more",
    )
    return ApprovalAppView(
        typed=AppTyped("dingtalk", "ding6ccabc44d2c8d38b", "dingk4xappkey", "PROC-1A2B", "采购说明", "", "manager01"),
        is_set=True,
        provider_name=name,
        callback_url="https://market.example/hooks/approvals/019aa5f0-5c00-7000-8000-000000000004",
        tested_at=NOW,
        members=(
            AppMemberShown("m1", "林雨", "lin@yuanshan.example", "linyu01"),
            AppMemberShown("m2", "陈可", "chen.with-a-long-address@subsidiary.yuanshan.example", ""),
        ),
        callbacks=(
            CallbackShown(NOW, late, counted=False),
            CallbackShown(NOW - timedelta(hours=3), counted, counted=True),
        ),
    )


def first(s: Samples) -> ApprovalAppView:
    """Nothing is connected, and a key was refused."""
    wrong = s.pick("EncodingAESKey 为 43 位字母或数字。", "An EncodingAESKey has 43 letters or digits.")
    return ApprovalAppView(AppTyped(), error=wrong, error_field="callback_key")
