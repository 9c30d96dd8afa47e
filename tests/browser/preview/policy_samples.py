"""Sample views of the share policy: as the public reads it, and a draft with what it would change."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from api.pages.frame import addresses
from api.pages.frame.choices import Choice
from api.pages.frame.rendering import View
from api.pages.share_policies.views import (
    PublishedVersion,
    SharePolicyView,
    ShareRuleItem,
    ShareVersionItem,
    ShareVersionsView,
    ShareVersionView,
    SimulatedItem,
    SimulatedView,
)
from tests.browser.preview.buying_samples import ID, NOW, cny
from tests.browser.preview.selling_samples import DeskSamples


def rules(s: DeskSamples) -> tuple[ShareRuleItem, ...]:
    """One for a product in offers, one for a seller, and the whole of both categories."""
    product = ("listing", s.pick("招聘专业版", "Recruiting Professional"))
    return (
        ShareRuleItem("saas", (product, ("channel", s.seller)), 80_000, 100_000, 14, "private_offer"),
        ShareRuleItem("saas", (("seller", s.seller),), 120_000, 75_000, 7),
        ShareRuleItem("saas", (), 150_000, 50_000, 7),
        ShareRuleItem("service", (), 100_000, 50_000, 7),
    )


def published(s: DeskSamples) -> SharePolicyView:
    """With one that comes and one that was."""
    said = s.pick("软件推广费率由 5% 提高到 7.5%。", "Promoters of software get 7.5 % instead of 5 %.")
    coming = PublishedVersion(3, NOW + timedelta(days=20), said, rules(s))
    return SharePolicyView(rules(s), NOW - timedelta(days=40), 2, (coming,), (replace(coming, version=1, reason=""),))


def draft(s: DeskSamples) -> ShareVersionView:
    """One whose effect on the last quarter was worked out."""
    sums = tuple(
        SimulatedItem(role, "", 1_284, cny(was), cny(then), cny(then - was))
        for role, was, then in (
            ("commission", 98_120_000, 91_004_500),
            ("promoter", 31_400_200, 42_118_900),
            ("seller", 524_880_000, 521_276_800),
        )
    )
    parties = tuple(replace(one, name=s.seller, lines=92) for one in sums if one.role != "commission")
    return ShareVersionView(
        ID.format(71),
        "draft",
        None,
        s.pick("提高推广费率。", "Promoters get more."),
        "Promoters get more.",
        rules(s),
        None,
        None,
        may_write=True,
        categories=(Choice("saas", s.pick("软件", "Software")), Choice("service", s.pick("服务", "Services"))),
        deal_types=(Choice("", s.pick("全部", "All")),),
        simulated=SimulatedView(date(2026, 7, 1), date(2026, 9, 30), sums, parties),
    )


def operators_pages(s: DeskSamples) -> dict[str, View]:
    """The operator's pages by name, and what everybody reads."""
    where = addresses.policies.version(ID.format(71))
    rows = (
        ShareVersionItem(where, "draft", None, "", 4, NOW, None),
        ShareVersionItem(where, "published", 3, draft(s).reason, 4, NOW, NOW + timedelta(days=20)),
    )
    refused = s.pick(
        "版本最早在发布一分钟后生效，不能追溯。没有发布，现行规则不变。请选择以后的日期，或留空。",
        "A version begins a minute after it is published at the soonest. Nothing was published. Choose a later day.",
    )
    return {
        "share-policy": published(s),
        "share-policies": ShareVersionsView(rows, may_write=True),
        "share-policies-none": ShareVersionsView((), may_write=True),
        "share-policy-draft": draft(s),
        "share-policy-refused": replace(draft(s), simulated=None, error=refused, error_field="effective_on"),
    }
