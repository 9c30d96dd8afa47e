"""Partners: a seller's tiers and partners, a price list with a form that was refused, and a buyer's sellers."""

from __future__ import annotations

from dataclasses import replace

from api.pages.buy.views import BuyView
from api.pages.frame.choices import Choice
from api.pages.frame.partner_prices import OwnPrice
from api.pages.partners.invitation_views import (
    DealerInvitationsView,
    DealerInvitationView,
    DealerLinkItem,
    TypedInvitation,
)
from api.pages.partners.territory_views import TerritoryTick, TerritoryView
from api.pages.partners.views import (
    InvitedByItem,
    PartnerLinkItem,
    PartnersView,
    SellerPartnersView,
    TierItem,
    TierPriceItem,
    TierView,
    TypedPrice,
    TypedTier,
)
from api.pages.products.views import ProductView
from api.region_names import region_name, region_names
from marketplace.parties.regions import PROVINCES
from tests.browser.preview import offer_samples
from tests.browser.preview.buying_samples import NOW, cny
from tests.browser.preview.product_samples import product
from tests.browser.preview.selling_samples import DeskSamples


def _tiers(s: DeskSamples) -> tuple[Choice, ...]:
    return Choice("t1", s.pick("金牌伙伴", "Gold partner")), Choice("t2", s.pick("银牌伙伴", "Silver partner"))


def _link(n: int, name: str, state: str, tier: str, *, by_seller: bool = True, **acts: str) -> PartnerLinkItem:
    return PartnerLinkItem(f"l{n}", name, state, tier, "t1", by_seller, NOW, **acts)


def _where(s: DeskSamples) -> str:
    return s.pick("可为以下地区的客户订货：广东、广西", "May order for customers in Guangdong, Guangxi")


def seller_partners(s: DeskSamples) -> SellerPartnersView:
    """One asks, one is in a tier, one was asked, one has ended."""
    gold, silver = _tiers(s)
    rows = (
        _link(1, s.buyer, "asked", "", by_seller=False, accept="/a", decline="/d"),
        _link(
            2,
            s.pick("中山精密", "Zhongshan Precision"),
            "accepted",
            gold.label,
            move="/m",
            end="/e",
            territory=_where(s),
            territory_address="/t",
        ),
        _link(3, s.pick("松湖物流", "Songhu Logistics"), "asked", silver.label, withdraw="/w"),
        _link(4, s.pick("江汉工业", "Jianghan Industries"), "ended", silver.label),
    )
    return SellerPartnersView(
        rows,
        (TierItem("t1", "GOLD", gold.label, 1, 3, "/1"), TierItem("t2", "SILVER", silver.label, 2, 1, "/2")),
        (gold, silver),
        "https://market.example/partners?seller=019ad000-0000-7000-8000-000000000003",
        typed=TypedTier(rank="3"),
    )


def _paid(s: DeskSamples) -> tuple[str, ...]:
    return (
        s.pick("25 个起订，以 5 递增", "Ordered from 25 on, in steps of 5"),
        s.pick("伙伴支付 ¥139.30 / 席 / 年", "Partners pay ¥139.30 / seat / year"),
        s.pick("目录价 ¥199 / 席 / 年", "List price ¥199 / seat / year"),
    )


def _over(s: DeskSamples) -> str:
    return s.pick(
        "未生效：规格现价更低，或计价方式已变。",
        "Not in force: the plan costs less by now, or its price is made otherwise.",
    )


def tier(s: DeskSamples) -> TierView:
    """Three prices, of which one holds no more, and one that is above the plan's."""
    said = s.pick(
        "这个价格在首期、续期或用量上高于规格的目录价。没有数据被改动。",
        "That price is above the plan's own: in the first term, in further ones, or for usage. Nothing was changed.",
    )
    every = s.pick("全部套餐", "every plan")
    return TierView(
        "t1",
        "GOLD",
        _tiers(s)[0].label,
        TypedTier("GOLD", "金牌伙伴", "Gold partner", "1"),
        (
            TierPriceItem(f"{s.hiring} · {every}", s.pick("减 15%", "15% off"), (), NOW, "/e1"),
            TierPriceItem(s.hiring, s.pick("减 30%", "30% off"), _paid(s), NOW, "/e2"),
            TierPriceItem(s.pick("客户管家 · 团队版", "Customer Desk · Team"), "¥80", (_over(s),), NOW, "/e3"),
        ),
        (Choice("1", s.hiring),),
        TypedPrice("1", "", "9999"),
        error_field="unit_price",
        field_error=said,
    )


def dealer_links(s: DeskSamples) -> DealerInvitationsView:
    """One link is good, of another all uses are taken."""
    north, south = s.pick("华北经销商", "Dealers of the north"), s.pick("华南经销商", "Dealers of the south")
    gold, silver = _tiers(s)
    link = "https://market.example/partner-invitations/n3Kx0uQ2v8pTz1YwR7sLdA"
    return DealerInvitationsView(
        (
            DealerLinkItem("i1", north, gold.label, "open", 12, 50, NOW, link, "/revoke"),
            DealerLinkItem("i2", south, silver.label, "used_up", 5, 5, NOW),
        ),
        (gold, silver),
        TypedInvitation("", "t1", "50", "14"),
    )


def dealer_link(s: DeskSamples) -> DealerInvitationView:
    """What a dealer opens that is signed in and may accept."""
    name = s.pick("北辰人力科技", "Beichen Hiring")
    return DealerInvitationView(
        "/partner-invitations/x",
        name,
        s.pick("金牌伙伴", "Gold partner"),
        "open",
        NOW,
        s.pick("远山制造", "Yuanshan"),
        may_accept=True,
        signed_in=True,
    )


def territory(s: DeskSamples) -> TerritoryView:
    """An exclusive territory for one of two products, with a code that is none."""
    chosen = ("CN-GD", "CN-GX", "CN-HI")
    named = region_names(chosen, s.language)
    return TerritoryView(
        "l2",
        s.pick("中山精密", "Zhongshan Precision"),
        s.pick(f"独家为以下地区的客户订货：{named}", f"Alone may order for customers in {named}"),
        is_set=True,
        china=TerritoryTick("region-CN", region_name("CN", s.language)),
        provinces=tuple(
            TerritoryTick(f"region-{one}", region_name(one, s.language), one in chosen) for one in PROVINCES
        ),
        products=(
            TerritoryTick("listing-1", s.pick("招聘旗舰版", "Hiring Pro"), chosen=True),
            TerritoryTick("listing-2", s.pick("云文档", "Cloud Docs")),
        ),
        countries="SG, ZZ",
        is_exclusive=True,
        error_field="countries",
        field_error=s.pick(
            "“ZZ”不是国家或地区代码，也不是中国省级代码。没有数据被改动。",
            '"ZZ" is no country and no province of China. Nothing was changed.',
        ),
    )


def partners(s: DeskSamples) -> PartnersView:
    """One seller asks, of another it is a partner."""
    gold, _ = _tiers(s)
    rows = (
        _link(1, s.pick("云帆软件", "Yunfan Software"), "asked", gold.label, accept="/a", decline="/d"),
        _link(
            2,
            s.pick("海港科技", "Harbor Technology"),
            "accepted",
            gold.label,
            by_seller=False,
            end="/e",
            territory=_where(s),
        ),
    )
    invited = InvitedByItem(s.pick("北辰人力科技", "Beichen Hiring"), gold.label, NOW, "/partner-invitations/x")
    return PartnersView(rows, (invited,))


def _own(s: DeskSamples) -> OwnPrice:
    numbers = s.pick("25 个起订，以 5 递增", "Ordered from 25 on, in steps of 5")
    return OwnPrice(cny(13_930), cny(19_900), s.pick("金牌伙伴价", "Partner price, Gold"), (), numbers, 25, 5)


def on_partner_price(s: DeskSamples) -> ProductView:
    """A product whose first plan costs its reader less, as a partner."""
    view = product(s)
    return replace(view, own_prices={view.shown.plans[0].id: _own(s)})


def sheet(s: DeskSamples) -> BuyView:
    """The purchase sheet of a partner."""
    view = s.buy()
    return replace(view, plans=(replace(view.plans[0], own=_own(s)), *view.plans[1:]))


def tier_editor(s: DeskSamples) -> TierView:
    """The price list with the plan's price editor open, and a figure in it that is none."""
    own = offer_samples.editor(s).first.own
    return replace(tier(s), typed=TypedPrice("1", own=own), error_field="", field_error="")
