"""Sample views of live sessions: the list, the room in each state, the host's page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from api.media_addresses import Thumbnail
from api.pages.frame.choices import Choice
from api.pages.frame.partner_prices import OwnPrice
from api.pages.live.views import (
    LiveCard,
    LiveHostView,
    LiveListView,
    LiveRoomView,
    LiveTile,
    RoomQuestion,
    SellerLiveView,
)
from kernel.money import Money
from tests.browser.preview.buying_samples import Samples

_AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
_HOSTS = "cdn-eu.live.example.com, live.example.com:8443"
_STREAM = "https://live.example.com:8443/hiring/index.m3u8"
_PICTURE = Thumbnail("/media/recruiting-1.jpg", "/media/recruiting-1.jpg 160w")


def _tile(s: Samples, state: str, number: int = 1, *, reminded: bool = False, visibility: str = "public") -> LiveTile:
    title = s.pick("秋招专场：一屏管完校招，当场答疑", "Campus recruiting live: one screen, questions answered")
    at = _AT + timedelta(hours=number)
    return LiveTile(str(UUID(int=number)), title, "c1", s.seller, state, at, 2_040, _PICTURE, reminded, visibility)


def _cards(s: Samples, explained: int | None = None) -> tuple[LiveCard, ...]:
    long = s.pick("一家名字特别特别长的背景调查与入职管理服务", "A background check with a rather long name")
    names = (
        (s.hiring, s.pick("专业版", "Pro"), "seat_year", 19_900, ((65, 300),)),
        (long, s.pick("标准", "Standard"), "year", 398_000, ((300, 720), (900, 1_020))),
        (s.pick("上门实施", "On-site rollout"), s.pick("十日", "Ten days"), "once", 1_280_000, ()),
    )
    cards = tuple(
        LiveCard(
            str(n),
            f"l{n}",
            f"p{n}",
            name,
            plan,
            s.seller,
            Money(price, "CNY"),
            per,
            True,
            n == explained,
            spans,
            "/buy",
        )
        for n, (name, plan, per, price, spans) in enumerate(names)
    )
    reduced = replace(cards[0], reduced=Money(15_920, "CNY"), off="20%", places=50, left=12, may_price=True)
    own = OwnPrice(Money(358_200, "CNY"), Money(398_000, "CNY"), s.pick("金牌伙伴价", "Partner price · Gold"))
    return (reduced, replace(cards[1], may_price=True, own=own), replace(cards[2], may_price=True))


def sessions(s: Samples) -> LiveListView:
    """One runs, two are ahead, of which one is reminded of, and one is to be seen again."""
    ahead = (_tile(s, "scheduled", 2, reminded=True), _tile(s, "scheduled", 30, visibility="partners"))
    return LiveListView((_tile(s, "live"),), ahead, (_tile(s, "ended", 4),))


def no_sessions(s: Samples) -> LiveListView:
    """Nothing is announced."""
    del s
    return LiveListView((), (), ())


def room(s: Samples, state: str = "live") -> LiveRoomView:
    """The room while it runs, before, and its replay."""
    shown = state in ("live", "ended")
    said = s.pick(
        "三位客户讲他们怎么用。\n现场回答提问。", "Three customers tell how they use it.\nYour questions, answered."
    )
    cards = _cards(s, 1 if state == "live" else None)
    src = "/media/recruiting.mp4" if shown else ""
    return LiveRoomView(
        session=_tile(s, state),
        description=said,
        src=src,
        poster="/media/recruiting-1.jpg",
        width=720,
        height=1280,
        position_ms=412_000,
        sequence=7,
        cards=cards,
        is_host=False,
        questions=_questions(s) if shown else (),
        most=300,
    )


def _questions(s: Samples) -> tuple[RoomQuestion, ...]:
    """One waits, one was answered by text, one in the film."""
    asked = s.pick(
        "能和我们现在的考勤系统打通吗？数据多久同步一次？", "Does it work with our time clocks, and how often?"
    )
    own = s.pick("有没有给集团客户的批量价？", "Is there a price for groups of companies?")
    trial = s.pick("可以先试用吗？", "May we try it first?")
    answer = s.pick("可以，开箱即用，五分钟同步一次。", "It does, out of the box, every five minutes.")
    return (
        RoomQuestion("q1", s.pick("王芳", "Fang Wang"), s.buyer, own, "waiting", 400, "", None, own=True),
        RoomQuestion("q2", s.pick("李雷", "Lei Li"), s.buyer, asked, "shown", 120, answer, 180, own=False),
        RoomQuestion("q3", s.pick("韩梅梅", "Meimei Han"), s.buyer, trial, "shown", 60, "", 90, own=False),
    )


def host(s: Samples, state: str = "live") -> LiveHostView:
    """The host's page, with what the shelf may still have."""
    plans = (Choice("p9", s.pick("考试系统 · 企业版", "Exams · Enterprise")),)
    films = (Choice("v1", s.pick("用一块屏管完校招 · 34:00", "One screen · 34:00")),)
    typed = {"video_id": "v1", "title": s.hiring, "publish_at": "2026-11-22T20:00", "visibility": "public"}
    asked = tuple(replace(one, own=False) for one in _questions(s))
    return LiveHostView(
        *(_tile(s, state), 412, 7, _cards(s, 1), plans, films, typed, "Asia/Shanghai"),
        questions=asked,
        most_answer=1_000,
    )


def streamed_room(s: Samples, state: str = "live") -> LiveRoomView:
    """The room of a stream, whose picture is interrupted here; afterwards without a recording."""
    stream = "/media/none.m3u8" if state == "live" else ""
    return replace(room(s, state), src="", poster="", stream=stream, streamed=True)


def streaming_host(s: Samples, state: str = "scheduled") -> LiveHostView:
    """The host of a stream looks at its picture before it begins, and names the recording afterwards."""
    before = host(s, state)
    typed = {**before.typed, "video_id": "", "stream_url": _STREAM, "stream_minutes": "90"}
    stream = "/media/none.m3u8" if state != "ended" else ""
    return replace(
        before,
        editing=state == "scheduled",
        typed=typed,
        streams=_HOSTS,
        streamed=True,
        stream=stream,
        wants_recording=state == "ended",
    )


def own_sessions(s: Samples) -> SellerLiveView:
    """Own sessions, and the form that announces another."""
    films = (Choice("v1", s.pick("用一块屏管完校招 · 34:00", "One screen · 34:00")),)
    rows = (_tile(s, "scheduled", 2), _tile(s, "ended", 4))
    return SellerLiveView(rows, films, "Asia/Shanghai", streams=_HOSTS)
