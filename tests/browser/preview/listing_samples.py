"""Sample view models in Chinese and English: the listing editor and the reviewer's desk."""

from __future__ import annotations

from dataclasses import replace

from markupsafe import Markup

from api.pages.frame.choices import Choice
from api.pages.frame.partner_groups import GroupFields, TierChoice
from api.pages.frame.rendering import View
from api.pages.listings.compared import Change
from api.pages.listings.forms import NEW_PLAN
from api.pages.listings.price_form import price_values
from api.pages.listings.shown import ShownAmounts, ShownImage, ShownListing, ShownPlan
from api.pages.listings.views import (
    DraftImage,
    ListingEditView,
    ListingOptions,
    ListingPreviewView,
    NewListingView,
    PlanSection,
    PriceRows,
    SectionForm,
)
from api.pages.reviews.views import ReasonField, ReviewQueueView, ReviewView, SoldListing, WaitingVersion
from marketplace.catalog.review_desk import CHECKLIST
from marketplace.pricing.components import MICRO, PlanPrice
from marketplace.pricing.engine import price_term
from marketplace.pricing.words import line_in_words, price_in_words
from tests.browser.preview.buying_samples import ID, Samples, cny

LISTING = ID.format(21)
HTML = Markup("<h3>20</h3><ul><li>CSV</li><li>iCal</li></ul>")


def options(s: Samples) -> ListingOptions:
    """What the selects offer."""
    return ListingOptions(
        (Choice("saas", s.pick("软件", "Software")), Choice("service", s.pick("服务", "Service"))),
        (Choice("hr", s.pick("人力资源", "HR")),),
        (Choice("service", s.pick("服务", "Service")), Choice("software", s.pick("软件", "Software"))),
        (
            Choice("agency", s.pick("由您销售：您向买方开票", "You: your invoice to the buyer")),
            Choice("reseller", s.pick("由平台销售（经销）：平台向买方开票", "The platform: its invoice to the buyer")),
        ),
        (Choice("seat/year", s.pick("席位 / 年", "seat / year")), Choice("once", s.pick("一次", "once"))),
        (Choice("CNY", "CNY · CNY"), Choice("USD", "USD · USD")),
        (Choice("c1", "webhook"),),
        (Choice("day", s.pick("天", "days")), Choice("hour", s.pick("小时", "hours"))),
        (
            Choice("figure", s.pick("一个价格", "One figure")),
            Choice("components", s.pick("多个组成部分", "Components")),
        ),
        (Choice("month", s.pick("月", "month")), Choice("year", s.pick("年", "year"))),
        (Choice("graduated", s.pick("分段", "Each unit at its own tier")),),
    )


def text_form(s: Samples, *, refused: bool = False) -> SectionForm:
    """The words, one language missing; with everything that can be said at a field where it was `refused`."""
    values = {
        "title": "招聘专业版",
        "title_en": "",
        "summary": "从投递到入职的一块屏。",
        "summary_en": "",
        "description": "## 20\n\n- CSV\n- iCal",
        "description_en": "",
        "kind": "saas",
        "category": "hr",
        "tax_category": "service",
        "refund_window_days": "7",
        "data_kept_days": "30",
    }
    said = s.pick("另一个窗口或同事已先保存了不同的内容。", "Another window has saved something else.")
    return SectionForm(
        "text",
        values,
        "base",
        wrong={"refund_window_days": said} if refused else {},
        returned={"summary": (s.pick("使用了「第一」。", "It claims to be the first."),)} if refused else {},
        elsewhere={"title": "招聘标准版"} if refused else {},
        html={"description": HTML},
        error=said if refused else None,
    )


def plan(code: str, *, opened: bool) -> PlanSection:
    """A plan's form, or the one for a new plan."""
    values = {
        **NEW_PLAN,
        "code": code or "plan-2",
        "name": "专业版" if code else "",
        "name_en": "Pro" if code else "",
        "price": "199.00",
        "connector_id": "c1",
        "feature_0_key": "storage_gb",
        "feature_0_zh": "存储",
        "feature_0_en": "Storage",
        "feature_0_value": "500",
        "feature_0_unit": "GB",
    }
    return PlanSection(SectionForm(f"plan-{code}" if code else "new", values, "base"), code, "¥199 / 1 · 6%", 3, opened)


COMPOSED = PlanPrice.model_validate(
    {
        "currency": "CNY",
        "interval": "month",
        "term_months": 12,
        "components": [
            {"kind": "flat", "amount_minor": 398_000},
            {"kind": "setup", "amount_minor": 50_000},
            {
                "kind": "per_seat",
                "minimum": 20,
                "maximum": 500,
                "step": 10,
                "included": 20,
                "tiers": [{"up_to": 50, "unit_micro": 19_900 * MICRO}, {"up_to": None, "unit_micro": 15_900 * MICRO}],
            },
            {
                "kind": "metered",
                "dimension": "api_calls",
                "included": 10_000,
                "name": "接口调用",
                "name_en": "API calls",
                "unit": "次",
                "unit_en": "calls",
                "tiers": [{"up_to": None, "unit_micro": 350_000}],
            },
        ],
    }
)


def composed_plan(s: Samples, *, refused: bool = False) -> PlanSection:
    """A plan whose price is made of components, as stored or with a tier that was refused."""
    values = {**plan("team", opened=True).form.values, "price_kind": "components", **price_values(COMPOSED)}
    wrong = {"seats_tier_1_to": s.pick("价格分档的顺序不正确。", "The tiers are out of order.")} if refused else {}
    return PlanSection(
        SectionForm("plan-team", values, "base", wrong=wrong),
        "team",
        s.pick("¥3,980 / 月 起 · 含税", "from ¥3,980 / month · tax included"),
        3,
        opened=True,
        price=PriceRows(seats_tiers=4, dimensions=(3, 2), seats_used=True, usage_used=True),
        sentences=tuple(price_in_words(COMPOSED, s.language)),
    )


def composed(s: Samples) -> ShownPlan:
    """The same as buyers meet it."""
    priced = price_term(COMPOSED, 20)
    return replace(
        shown(s).plans[0],
        id=ID.format(29),
        name=s.pick("团队版", "Team"),
        price=cny(398_000),
        per="from_month",
        quantity=20,
        step=10,
        sentences=tuple(price_in_words(COMPOSED, s.language)),
        parts=tuple(line_in_words(line, "month", "CNY", s.language) for line in priced.lines),
        amounts=ShownAmounts(cny(4_826_000), cny(4_552_830), cny(273_170), 60_000, cny(4_826_000)),
    )


def shown(s: Samples) -> ShownListing:
    """A version as buyers meet it."""
    amounts = ShownAmounts(cny(99_500), cny(93_868), cny(5_632), 60_000, cny(99_500))
    pro = ShownPlan(
        ID.format(23),
        s.pick("专业版", "Pro"),
        s.pick("1 年", "1 year"),
        cny(19_900),
        "seat_year",
        True,
        5,
        500,
        True,
        (s.pick("面试日历", "Interview calendar"),),
        ((s.pick("存储", "Storage"), "500 GB"),),
        s.pick("招聘专业版 · 专业版", "Hiring Pro · Pro"),
        amounts,
        trial_days=14,
        renewal_lead_days=14,
        contract_terms=3,
    )
    return ShownListing(
        s.hiring,
        s.seller,
        "saas",
        "hr",
        s.pick("一块屏。", "One screen."),
        (("zh-CN", HTML), ("en", HTML)),
        7,
        30,
        s.platform,
        (pro,),
    )


def changed(s: Samples) -> tuple[Change, ...]:
    """One word, and a price."""
    label = s.pick("一句话简介", "One sentence")
    return (
        Change(label, (("same", "一块"), ("out", "大"), ("in", "小"), ("same", "屏"))),
        Change(s.pick("专业版 · 价格", "Pro · Price"), (("out", "¥199"), ("in", "¥299"))),
    )


def edit(s: Samples, *, refused: bool = False) -> ListingEditView:
    """The editor of a draft, or of one that was returned and clashed with another window."""
    return ListingEditView(
        id=LISTING,
        name=s.hiring,
        state="rejected" if refused else "draft",
        version=2 if refused else 1,
        published=1 if refused else None,
        editable=True,
        kind_fixed=refused,
        text=text_form(s, refused=refused),
        plans=(plan("pro", opened=True), composed_plan(s, refused=refused)),
        new_plan=plan("", opened=refused),
        options=options(s),
        missing=() if refused else (s.pick("规格：还没有规格。", "Plans: there is none."),),
        returned=(s.pick("商品整体：请补充。", "The listing as a whole: say more."),) if refused else (),
        may_retire=refused,
        customers=3,
        images=tuple(
            DraftImage(one, SectionForm(f"image-{one.id}", {"alt": one.alt, "alt_en": ""})) for one in pictures(s)
        ),
        most_images=8,
    )


def pictures(s: Samples) -> tuple[ShownImage, ...]:
    """Two pictures, one of them tall and without words."""
    board = s.pick("招聘看板", "The board")
    return (
        ShownImage("a", "/media/customers-2.jpg", "/media/customers-2.jpg 480w", 1280, 720, board),
        ShownImage("b", "/media/recruiting-2.jpg", "/media/recruiting-2.jpg 480w", 720, 1280, ""),
    )


def published(s: Samples) -> ListingEditView:
    """What is on sale to partners in one of two tiers, and may be retired."""
    view = ListingEditView(
        LISTING, s.hiring, "published", 1, 1, False, True, text_form(s), (), None, options(s), (), may_retire=True
    )
    return replace(view, visibility="partners", groups=partner_groups(s))


def partner_groups(s: Samples) -> GroupFields:
    """Partners in one of two tiers."""
    gold, silver = s.pick("金牌伙伴", "Gold partner"), s.pick("银牌伙伴", "Silver partner")
    return GroupFields(tiers=(TierChoice("tier-1", gold, chosen=True), TierChoice("tier-2", silver, chosen=False)))


def review(s: Samples, *, sold: bool = False) -> ReviewView:
    """A version before its reviewer, or one on sale."""
    return ReviewView(
        listing_id=LISTING,
        name=s.hiring,
        seller_name=s.seller,
        state="published",
        version_state="published" if sold else "in_review",
        version=2,
        published=1,
        waiting_s=0 if sold else 90_000,
        late=not sold,
        seen="seen",
        shown=shown(s),
        changes=None if sold else changed(s),
        before=() if sold else (s.pick("标题：无法证明。", "Title: without proof."),),
        found=() if sold else (s.pick("规格：还没有连接器。", "Plans: no connector."),),
        fields=(ReasonField("title", s.pick("中文名称", "Name in Chinese"), "review_other", "…"), ReasonField("", "…")),
        reasons=(Choice("review_other", s.pick("审核员有说明。", "The reviewer explains.")),),
        checklist=CHECKLIST,
        ticked={"check_true": "yes"},
        customers=12,
        cards=3,
    )


def queue(s: Samples, *, empty: bool = False) -> ReviewQueueView:
    """Two that wait, and one on sale."""
    waiting = (
        WaitingVersion(LISTING, s.hiring, s.seller, "saas", 2, 90_000, True, True),
        WaitingVersion(ID.format(22), s.hiring, s.seller, "service", 1, 600, False, False),
    )
    sold = (SoldListing(LISTING, s.hiring, s.seller, "suspended", 1),)
    return ReviewQueueView(() if empty else waiting, () if empty else sold)


def listing_pages(s: Samples) -> dict[str, View]:
    """The seller's pages."""
    new = SectionForm("new", {"kind": "saas"}, wrong={"title": s.pick("必填。", "Required.")})
    return {
        "listing-new": NewListingView(new, options(s), "key"),
        "listing-edit": edit(s),
        "listing-returned": edit(s, refused=True),
        "listing-on-sale": published(s),
        "listing-preview": ListingPreviewView(LISTING, "draft", 2, shown(s), changed(s), 1),
    }


def review_pages(s: Samples) -> dict[str, View]:
    """The reviewer's pages."""
    return {
        "reviews": queue(s),
        "reviews-clear": queue(s, empty=True),
        "review": review(s),
        "review-on-sale": review(s, sold=True),
    }
