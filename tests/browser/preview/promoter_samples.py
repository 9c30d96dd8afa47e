"""Sample views of promoter plans: a seller's, and what a promoter may ask for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from api.pages.frame.choices import Choice
from api.pages.frame.rendering import View
from api.pages.promoter_earnings.views import BringerItem, PromoterEarningsView
from api.pages.promoter_plans.views import (
    PromoterItem,
    PromoterPlanItem,
    PromoterPlansView,
    SellerPromoterPlansView,
    TypedPromoterPlan,
)
from kernel.money import Money
from tests.browser.preview.buying_samples import ID, NOW, cny
from tests.browser.preview.selling_samples import DeskSamples


def earnings(s: DeskSamples) -> PromoterEarningsView:
    """Members and a channel, one of them in two currencies, and what was brought before links were named."""
    euros = Money(184_050, "EUR")
    rows = (
        BringerItem(
            "person",
            s.pick("林知夏", "Zhixia Lin"),
            6_120,
            1_204,
            41,
            ((cny(1_631_800), cny(1_020_000)), (euros, euros)),
        ),
        BringerItem("person", s.pick("陈晓", "Xiao Chen"), 18, 0, 0),
        BringerItem(
            "channel", s.pick("起点视频", "Qidian Video"), 48_211, None, 7, ((cny(98_200), cny(0)),), "/channels/1"
        ),
        BringerItem("earlier", s.pick("较早的链接", "By earlier links"), None, None, 3, ((cny(12_000), cny(12_000)),)),
    )
    return PromoterEarningsView(rows, ((cny(1_742_000), cny(1_032_000)), (euros, euros)))


def plans(s: DeskSamples) -> tuple[PromoterPlanItem, ...]:
    """A targeted one with a chain and caps, beside a general one that is over."""
    members = (
        PromoterItem(ID.format(31), s.pick("起点视频", "Qidian Video"), "accepted", NOW - timedelta(days=9), end="#"),
        PromoterItem(ID.format(32), s.pick("云上评测", "Cloud Reviews"), "applied", None, answer="#", end="#"),
    )
    targeted = PromoterPlanItem(
        ID.format(41),
        s.seller,
        s.pick("招聘专业版", "Recruiting Professional"),
        "#",
        "targeted",
        200_000,
        170_000,
        (
            ("distributor", s.pick("华东渠道", "East Channel"), 20_000),
            ("service_provider", s.pick("推客服务", "Promoter Care"), 10_000),
        ),
        cny(100_000),
        cny(900_000),
        "in_force",
        NOW - timedelta(days=20),
        None,
        members,
        invite="#",
        end="#",
    )
    over = replace(
        targeted,
        id=ID.format(42),
        kind="general",
        rate_ppm=75_000,
        promoter_ppm=75_000,
        chain=(),
        order_cap=None,
        month_cap=None,
        state="over",
        ends_at=NOW - timedelta(days=2),
        members=(),
        invite="",
        end="",
    )
    return targeted, over


def sellers_pages(s: DeskSamples) -> dict[str, View]:
    """A seller's, and one whose form was refused."""
    kinds = (
        Choice("general", s.pick("普通计划", "General")),
        Choice("targeted", s.pick("定向计划", "Targeted")),
        Choice("exclusive", s.pick("专属计划", "Exclusive")),
    )
    listings = (Choice("l1", s.pick("招聘专业版", "Recruiting Professional")),)
    shown = SellerPromoterPlansView(plans(s), listings, kinds, ID.format(1))
    wrong = s.pick(
        "推广比例不在分成规则允许的范围内。没有创建计划。请填写范围内的比例后重试。",
        "The rate is not within what the share policy allows. No plan was made. Give a rate in between and try again.",
    )
    typed = TypedPromoterPlan("l1", "general", "2")
    refused = replace(shown, rows=(), typed=typed, error=wrong, error_field="rate", field_error=wrong)
    return {"seller-promoter-plans": shown, "seller-promoter-plans-refused": refused}


def promoters_pages(s: DeskSamples) -> dict[str, View]:
    """What is offered, and nothing."""
    targeted, over = plans(s)
    asked = replace(
        targeted,
        chain=(("distributor", "", 20_000), ("service_provider", "", 10_000)),
        members=(PromoterItem(ID.format(33), s.seller, "invited", None, answer="#", end="#"),),
    )
    free = replace(over, state="in_force", ends_at=None, kind="exclusive", apply="#")
    return {"promoter-plans": PromoterPlansView((asked, free)), "promoter-plans-none": PromoterPlansView(())}
