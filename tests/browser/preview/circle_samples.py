"""Circles: found, a community and a teaching circle as members and leaders see them, who is in one, settings, a link."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from api.pages.circles.views import (
    ChannelItem,
    CircleChoices,
    CircleItem,
    CircleLinkPage,
    CircleMemberItem,
    CircleMembersPage,
    CircleOfferItem,
    CirclePage,
    CircleSettingsPage,
    CirclesView,
    CircleTyped,
    CircleVideoItem,
    PostCard,
    PostItem,
)
from api.pages.frame.choices import Choice
from api.pages.frame.translations import translations
from marketplace.circles.models import JOININGS, KINDS, MODERATIONS, VISIBILITIES
from tests.browser.preview.buying_samples import NOW
from tests.browser.preview.selling_samples import DeskSamples

LINK = "https://market.example/circle-links/4hJ0q2mXx7Kc9aVn"


def _circle(s: DeskSamples, kind: str = "community", role: str = "owner", state: str = "active") -> CircleItem:
    return CircleItem(
        "c1",
        s.pick("华东招聘同行圈", "Hiring in East China"),
        kind,
        s.pick("人力资源同行交流工具、价格与校招经验。", "HR people about tools, prices and campus seasons."),
        "closed",
        "approval",
        128,
        342,
        state,
        role,
    )


def _choices(s: DeskSamples) -> CircleChoices:
    words = translations(s.language)

    def of(kind: str, values: tuple[str, ...]) -> tuple[Choice, ...]:
        return tuple(Choice(one, words.word(kind, one)) for one in values)

    return CircleChoices(
        of("circle_kind", KINDS),
        of("circle_visibility", VISIBILITIES),
        of("circle_joining", JOININGS),
        of("circle_moderation", MODERATIONS),
    )


def _post(s: DeskSamples, number: int, text: str, **more: Any) -> PostItem:
    item = PostItem(
        f"p{number}",
        s.pick("王芳", "Fang Wang"),
        s.pick("远山科技", "Yuanshan Technology"),
        "member",
        text,
        None,
        "shown",
        marked=False,
        own=False,
        may_mark=False,
        at=NOW - timedelta(hours=number),
    )
    return replace(item, **more)


def _offers(s: DeskSamples) -> tuple[CircleOfferItem, ...]:
    """One that runs, with places, and one that is to begin."""
    runs = CircleOfferItem(
        "o1",
        s.pick("招聘专业版", "Hiring Pro"),
        s.seller,
        "−15%",
        7,
        20,
        NOW - timedelta(days=1),
        NOW + timedelta(days=9),
        "/products/1/buy?circle=c1",
        may_end=True,
    )
    later = replace(runs, id="o2", title=s.pick("面试助手", "Interview Assistant"), left=None, places=None, buy="")
    return runs, replace(later, starts_at=NOW + timedelta(days=2), may_end=False)


def circles(s: DeskSamples) -> CirclesView:
    """Two of the reader's, one to find, and the form."""
    asked = replace(_circle(s, "exchange", "", "asked"), id="c2", name=s.pick("出海企业交流", "Going abroad"))
    other = replace(
        _circle(s, "teaching", "", ""), id="c3", name=s.pick("财务软件入门课", "Accounting software, first steps")
    )
    return CirclesView((other, _circle(s)), (_circle(s), asked), _choices(s), "k1", next_address="/circles?cursor=x")


def no_circles(s: DeskSamples) -> CirclesView:
    """Nothing yet, and a form that was refused."""
    said = s.pick("请填写名称。", "Give it a name.")
    return CirclesView((), (), _choices(s), "k1", error_field="name", field_error=said)


def community(s: DeskSamples) -> CirclePage:
    """Its owner's, with what waits and what is pinned."""
    welcome = _post(s, 9, s.pick("欢迎！发帖前请看圈规。", "Welcome! Read the rules first."), marked=True, role="owner")
    card = PostCard(s.pick("一块屏管完校招", "A campus season on one screen"), "/v/1", is_video=True)
    posts = (
        _post(s, 1, s.pick("这段演示讲得很清楚，推荐。", "This demo is clear, recommended."), card=card, may_mark=True),
        _post(s, 2, s.pick("有人用过按席位计费的吗？", "Has anybody paid by seat?"), own=True, may_mark=True),
    )
    return CirclePage(
        _circle(s),
        leads=True,
        may_read=True,
        idempotency_key="k1",
        posts=posts,
        waiting=(_post(s, 3, s.pick("加我领取优惠！", "Write to me for a discount!"), state="waiting"),),
        marked=(replace(welcome, may_mark=True),),
        channels=(ChannelItem("h1", s.seller, "/c/1"),),
        videos=(CircleVideoItem(s.pick("秋招复盘", "The autumn season in review"), "/v/2", NOW - timedelta(days=1)),),
        offers=_offers(s),
        own_products=(Choice("l1", s.pick("招聘专业版", "Hiring Pro")),),
        waiting_members=2,
        next_address="/circles/c1?cursor=x",
    )


def teaching(s: DeskSamples) -> CirclePage:
    """A member's, with the list to watch."""
    titles = (s.pick("第一课 记账", "1. Bookkeeping"), s.pick("第二课 报税", "2. Filing taxes"))
    lessons = tuple(
        _post(s, number, title, card=PostCard(title, f"/v/{number}", is_video=True), marked=True)
        for number, title in enumerate(titles, 1)
    )
    return CirclePage(_circle(s, "teaching", "member"), False, True, "k1", posts=lessons, marked=lessons)


def exchange(s: DeskSamples) -> CirclePage:
    """A member's who is asked for consent to the directory."""
    return CirclePage(_circle(s, "exchange", "member"), False, True, "k1")


def closed(s: DeskSamples) -> CirclePage:
    """To whoever is not in it."""
    return CirclePage(_circle(s, role="", state=""), False, False, "k1")


def members(s: DeskSamples) -> CircleMembersPage:
    """Its owner's, with somebody who asks."""
    company = s.pick("远山科技", "Yuanshan Technology")
    rows = tuple(
        CircleMemberItem(f"m{number}", name, company, role, "active", NOW - timedelta(days=number))
        for number, (name, role) in enumerate(
            (
                (s.pick("赵宁", "Ning Zhao"), "member"),
                (s.pick("李敏", "Min Li"), "moderator"),
                (s.pick("周航", "Hang Zhou"), "owner"),
            )
        )
    )
    asked = CircleMemberItem("m9", s.pick("王芳", "Fang Wang"), company, "member", "asked", NOW)
    return CircleMembersPage(_circle(s), True, rows, (asked,), link=LINK)


def settings(s: DeskSamples) -> CircleSettingsPage:
    """Its owner's."""
    circle = _circle(s)
    typed = CircleTyped(circle.name, circle.kind, circle.about, circle.visibility, circle.joining, "before")
    return CircleSettingsPage(circle, _choices(s), typed, LINK)


def link(s: DeskSamples) -> CircleLinkPage:
    """To whoever was sent it."""
    return CircleLinkPage(_circle(s, role="", state=""), "4hJ0q2mXx7Kc9aVn")
