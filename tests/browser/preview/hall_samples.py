"""Exhibition halls: found, one with booths and an agenda, a booth, a badge, and the desks of organizer and exhibitor."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import segno

from api.pages.frame.choices import Choice
from api.pages.halls.views import (
    AgendaRow,
    AgendaTyped,
    BadgePage,
    BadgeTyped,
    BoothFigures,
    BoothItem,
    BoothPage,
    DeskPage,
    ExchangeItem,
    HallItem,
    HallPage,
    HallsView,
    HallTyped,
    InvitationItem,
    MetItem,
    OfferedItem,
    OwnBoothPage,
    OwnHallsView,
    ReportPage,
    ScanPage,
    ShownVideo,
    VisitorItem,
)
from marketplace.halls.consent_text import CONSENT_VERSION, consent_text
from tests.browser.preview.buying_samples import NOW
from tests.browser.preview.product_samples import items
from tests.browser.preview.selling_samples import DeskSamples

CODE = "7KQ2M4XH9VTB"
ZONE = "Asia/Shanghai"


def _hall(s: DeskSamples, phase: str = "open") -> HallItem:
    return HallItem(
        "h1",
        s.pick("2026 秋季人力资源云展会", "HR Software Fair, Autumn 2026"),
        s.pick("云帆软件", "Yunfan Software"),
        s.pick(
            "三天，二十家厂商，覆盖招聘、薪酬与培训。\n登记后即可用参展证与展位交换联系方式。",
            "Three days, twenty vendors: hiring, payroll and training.\nRegister to exchange contacts by badge.",
        ),
        phase,
        "public",
        NOW - timedelta(hours=1),
        NOW + timedelta(days=2),
    )


def _agenda(s: DeskSamples) -> tuple[AgendaRow, ...]:
    return (
        AgendaRow("a1", NOW, NOW + timedelta(minutes=45), s.pick("开幕与新品发布", "Opening and launch"), "", "/v/1"),
        AgendaRow(
            "a2",
            NOW + timedelta(hours=2),
            NOW + timedelta(hours=3),
            s.pick("一块屏管完校招", "A campus season on one screen"),
            s.pick("李敏", "Min Li"),
            "",
        ),
    )


def _booths(s: DeskSamples) -> tuple[BoothItem, ...]:
    return (
        BoothItem("b1", 1, s.seller, "accepted", s.pick("现场演示校招全流程。", "See campus hiring live."), 3, "/b1"),
        BoothItem("b2", 2, s.pick("海港科技", "Harbor Technology"), "invited", "", 0, "/b2"),
    )


def halls(s: DeskSamples) -> HallsView:
    """One is open, one to come; the reader has a badge."""
    later = replace(_hall(s, "upcoming"), id="h2", title=s.pick("供应链发布会", "Supply chain launch"))
    return HallsView((later, _hall(s)), (_hall(s),))


def hall(s: DeskSamples) -> HallPage:
    """Two booths, two things on the agenda."""
    booths = tuple(replace(one, state="accepted") for one in _booths(s))
    return HallPage(_hall(s), booths, _agenda(s), ZONE)


def booth(s: DeskSamples) -> BoothPage:
    """The form by which a badge is given, refused without consent."""
    rows = items(s)
    refused = s.pick(
        "提供联系方式前，需要您勾选同意。没有提交任何信息。请勾选后重试，或不填写联系方式。",
        "A contact is given with consent only. Nothing was sent. Agree and try again.",
    )
    return BoothPage(
        _hall(s),
        "b1",
        s.seller,
        s.pick("现场演示校招全流程。", "See campus hiring live."),
        "/channels/1",
        rows[:2],
        (ShownVideo(s.pick("用一块屏管完校招", "A campus season on one screen"), "/v/1"),),
        consent_text("exchange", s.pick("zh-CN", "en"), s.seller),
        CONSENT_VERSION,
        badge=True,
        is_own=False,
        choices=tuple(Choice(one.id, one.name) for one in rows[:2]),
        error_field="consent_version",
        field_error=refused,
    )


def register(s: DeskSamples) -> BadgePage:
    """The form that registers."""
    return BadgePage(
        _hall(s),
        BadgeTyped(s.pick("王芳", "Fang Wang"), s.buyer),
        consent_text("registration", s.pick("zh-CN", "en"), _hall(s).organizer),
        CONSENT_VERSION,
    )


def badge(s: DeskSamples) -> BadgePage:
    """One booth asks, one has it, one gave it back."""
    drawn = segno.make(f"https://market.example/badges/{CODE}", error="m", micro=False)
    form = register(s)
    return replace(
        form,
        code="7KQ2-M4XH-9VTB",
        qr_code=drawn.svg_inline(scale=5, border=4, dark="#000", light="#fff"),
        contact=(form.typed.name, form.typed.company, "wang@firm.example"),
        agreed=form.consent,
        exchange_consent=consent_text("exchange", s.pick("zh-CN", "en"), s.pick("该参展方", "this exhibitor")),
        exchanges=(
            ExchangeItem("x1", s.pick("海港科技", "Harbor Technology"), "asked", True, NOW, "/b", ""),
            ExchangeItem("x2", s.seller, "given", False, NOW, "/b", "/requests/1"),
            ExchangeItem("x3", s.pick("江汉工业", "Jianghan Industries"), "revoked", False, NOW, "/b", ""),
        ),
    )


def scan(s: DeskSamples) -> ScanPage:
    """One booth to ask at."""
    return ScanPage(CODE, (Choice("b1", _hall(s).title),))


def _typed(s: DeskSamples) -> HallTyped:
    one = _hall(s)
    return HallTyped(
        one.title, "", one.about, "", opens_at=NOW.strftime("%Y-%m-%dT09:00"), closes_at=NOW.strftime("%Y-%m-%dT18:00")
    )


def _visibilities(s: DeskSamples) -> tuple[Choice, ...]:
    return Choice("public", s.pick("所有人", "Everybody")), Choice(
        "unlisted", s.pick("持链接者", "Whoever has the link")
    )


def own_halls(s: DeskSamples) -> OwnHallsView:
    """An invitation, and halls in two states."""
    draft = replace(_hall(s, "draft"), title=s.pick("冬季专场", "Winter session"))
    return OwnHallsView(
        (_hall(s), draft),
        (InvitationItem("b1", "invited", _hall(s, "upcoming"), "/b1"),),
        _typed(s),
        ZONE,
        _visibilities(s),
    )


def desk(s: DeskSamples) -> DeskPage:
    """A published hall, with an item that lies outside it."""
    wrong = s.pick(
        "议程第 3 项的时间不正确：须先开始后结束，并在展会期间内。没有数据被改动。请修改时间后重试。",
        "Item 3 of the agenda ends before it begins, or lies outside the exhibition. Nothing was changed.",
    )
    return DeskPage(
        hall=_hall(s),
        state="published",
        booths=_booths(s),
        agenda=_agenda(s),
        typed=_typed(s),
        item=AgendaTyped("2026-11-02T09:00", "2026-11-02T08:00", s.pick("闭幕", "Closing")),
        zone=ZONE,
        visibilities=_visibilities(s),
        videos=(Choice("", s.pick("不选", "None")),),
        link="https://market.example/halls/019ad000-0000-7000-8000-000000000003",
        may_exhibit=True,
        own_id="o1",
        error_field="ends_at_agenda",
        field_error=wrong,
    )


def report(s: DeskSamples) -> ReportPage:
    """Figures of a hall with two booths."""
    figures = (("visitors", 312), ("organizations", 148), ("visits", 1_204), ("exchanges", 186), ("leads", 171))
    return ReportPage(
        _hall(s, "closed"),
        (*figures, ("won", 12), ("orders", 9)),
        (
            BoothFigures(s.seller, 702, 121, 110, 9, 7),
            BoothFigures(s.pick("海港科技", "Harbor Technology"), 502, 65, 61, 3, 2),
        ),
        (VisitorItem(s.pick("王芳", "Fang Wang"), s.buyer, ("HR", "wang@firm.example"), NOW),),
        90,
    )


def own_booth(s: DeskSamples) -> OwnBoothPage:
    """A booth that shows two things and was given one badge."""
    contact = (s.pick("王芳", "Fang Wang"), s.buyer, "wang@firm.example")
    return OwnBoothPage(
        id="b1",
        state="accepted",
        hall=_hall(s),
        public="/b1",
        words=s.pick("现场演示校招全流程。", "See campus hiring live."),
        words_en="",
        channel="",
        channels=(Choice("", s.pick("不选", "None")), Choice("c1", s.seller)),
        products=(OfferedItem("p1", s.hiring, "1"), OfferedItem("p2", s.pick("客户管理", "Customer Desk"), "")),
        videos=(OfferedItem("v1", s.pick("用一块屏管完校招", "A campus season on one screen"), "1"),),
        met=(
            MetItem(
                "given", contact, consent_text("exchange", s.pick("zh-CN", "en"), s.seller), NOW, "/seller/leads/1"
            ),
            MetItem("asked", (), "", NOW, ""),
        ),
        figures=(("visits", 702), ("exchanges", 121), ("leads", 110), ("won", 9), ("orders", 7)),
        amounts=("¥128,400.00",),
        days=90,
    )


def booth_invited(s: DeskSamples) -> OwnBoothPage:
    """Not answered yet."""
    return replace(own_booth(s), state="invited", hall=_hall(s, "upcoming"), met=(), figures=(), amounts=())
