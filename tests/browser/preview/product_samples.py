"""Sample view models in Chinese and English: the catalogue, a product's page and a search."""

from __future__ import annotations

from dataclasses import replace

from markupsafe import Markup

from api.media_addresses import Thumbnail
from api.pages.frame.choices import Choice
from api.pages.frame.rendering import View
from api.pages.products.views import (
    Delivered,
    Facets,
    ProductItem,
    ProductsView,
    ProductVideo,
    ProductView,
    TermsView,
)
from api.pages.search.views import ChannelHit, ProductHit, SearchView, VideoHit
from marketplace.catalog.show_reliability import Reliability
from marketplace.service_windows.response_time import ResponseTime
from tests.browser.preview import feedback_samples
from tests.browser.preview.buying_samples import ID, Samples, cny
from tests.browser.preview.listing_samples import composed, shown

PICTURE = Thumbnail("/media/recruiting-2.jpg", "/media/recruiting-2.jpg 160w")
OTHER = Thumbnail("/media/customers-2.jpg", "/media/customers-2.jpg 160w")
NOTHING_CHOSEN = dict.fromkeys(("category", "pricing", "seller", "currency", "from", "to"), "")


def product(s: Samples) -> ProductView:
    """A product with two plans, and a video that shows it."""
    pro = shown(s).plans[0]
    monthly = replace(
        pro,
        id=ID.format(24),
        term=s.pick("1 个月", "1 month"),
        price=cny(1_990),
        per="seat_month",
        tax_included=False,
        limits=(*pro.limits, (s.pick("试用天数", "Trial days"), "14")),
    )
    campus = s.pick("用一块屏管完校招", "Run a whole campus season on one screen")
    return ProductView(
        id=ID.format(21),
        seller_id=ID.format(25),
        shown=replace(shown(s), plans=(pro, monthly, composed(s))),
        picture=PICTURE,
        videos=(
            ProductVideo(ID.format(1), campus, s.seller, 3, 14, PICTURE),
            ProductVideo(ID.format(3), campus, s.pick("效率研究社", "Efficiency Club"), 5, 12, OTHER),
        ),
        delivered=Delivered(64, 63, 984_375),
        rating_tenths=43,
        rating_count=12,
        reliability=Reliability(64, 63, 4, 95),
        response_time=ResponseTime(24, 23, 1_860),
        reviews=feedback_samples.shown_reviews(s),
        questions=feedback_samples.asked(s),
    )


def terms(s: Samples) -> TermsView:
    """Terms with a text in the reader's language, and a document."""
    text = s.pick(
        "<p>按年付费，<strong>随时可停</strong>。</p>", "<p>Paid a year ahead, <strong>ended any time</strong>.</p>"
    )
    language = s.pick("zh-CN", "en")
    return TermsView(ID.format(21), ID.format(28), s.hiring, "2026-11", ((language, Markup(text)),), "terms-2026.pdf")  # noqa: S704 - ours


def own_product(s: Samples) -> ProductView:
    """The same, as its seller meets it before anybody bought it, and off sale."""
    return replace(
        product(s),
        picture=None,
        videos=(),
        delivered=Delivered(2, 2, None),
        rating_tenths=None,
        rating_count=0,
        reliability=None,
        reviews=(),
        questions=(),
        own=True,
        on_sale=False,
        may_edit=True,
    )


def items(s: Samples) -> tuple[ProductItem, ...]:
    """Three products, with and without a picture."""
    hiring = ProductItem(
        ID.format(21),
        s.hiring,
        s.pick("从投递到入职，HR 和用人部门看同一块屏。", "From application to first day on one screen."),
        s.seller,
        "saas",
        "hr",
        2,
        cny(1_990),
        "seat_month",
        PICTURE,
        43,
        12,
    )
    desk = replace(hiring, id=ID.format(26), name=s.pick("客户管理", "Customer Desk"), category="crm", picture=OTHER)
    rollout = replace(
        hiring,
        id=ID.format(27),
        name=s.pick("上门实施", "On-site rollout"),
        summary="",
        kind="service",
        category="services",
        plans=1,
        from_price=cny(1_280_000),
        per="once",
        picture=None,
        rating_tenths=None,
        rating_count=0,
    )
    return hiring, desk, rollout


def facets(s: Samples) -> Facets:
    """What the selects offer."""
    return Facets(
        (Choice("hr", s.pick("人力资源", "HR")), Choice("crm", s.pick("客户与销售", "CRM and sales"))),
        (Choice("per_seat", s.pick("按席位", "Per seat")), Choice("one_off", s.pick("一次性", "One-off"))),
        (Choice("CNY", "CNY"), Choice("USD", "USD")),
        (Choice("s1", s.seller),),
    )


def found(s: Samples) -> SearchView:
    """One hit of each kind, the searched words marked."""
    hiring, _, rollout = items(s)
    campus = s.pick("用一块屏管完校招", "Run a whole campus season on one screen")
    name = ((True, s.hiring[:2]), (False, s.hiring[2:]))
    return SearchView(
        s.hiring[:2],
        (
            ProductHit(hiring, name, ((False, hiring.summary),)),
            ProductHit(rollout, ((False, rollout.name),), ()),
            VideoHit(ID.format(1), ((False, campus[:3]), (True, campus[3:])), (), s.seller, 14, PICTURE),
            ChannelHit(ID.format(2), s.seller[:1], ((False, s.seller),), ((False, s.pick("校招", "Campus")),)),
        ),
        next_address="/search?q=x&cursor=y",
    )


def product_pages(s: Samples) -> dict[str, View]:
    """The pages by name."""
    narrowed = NOTHING_CHOSEN | {"category": "hr", "from": "199"}
    wrong = {"currency": s.pick("请先选择价格的币种。", "Choose the currency of the price first.")}
    return {
        "product": product(s),
        "product-own": own_product(s),
        "product-terms": terms(s),
        "products": ProductsView(items(s), facets(s), NOTHING_CHOSEN, next_address="/products?cursor=x"),
        "products-none": ProductsView((), facets(s), narrowed, wrong),
        "products-empty": ProductsView((), facets(s), NOTHING_CHOSEN, may_sell=True),
        "search": found(s),
        "search-similar": replace(found(s), kind="product", similar=True),
        "search-none": SearchView(s.pick("没有这个", "Nothing of the kind")),
        "search-empty": SearchView(""),
    }
