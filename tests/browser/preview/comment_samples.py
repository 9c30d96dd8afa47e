"""Sample views of what viewers do with a video: comments, those that were reported, sending it on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from api.media_addresses import Thumbnail
from api.pages.comments.views import CommentsView
from api.pages.content_reports.views import ReportsView, ReportView
from api.pages.frame.choices import Choice
from api.pages.sharing.views import ShareView
from marketplace.content_reports.models import KINDS
from marketplace.content_reports.queries import OpenReport
from marketplace.reactions.comment_queries import CommentView
from tests.browser.preview.buying_samples import Samples

_AT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
_VIDEO = UUID(int=7)


def comments(s: Samples) -> CommentsView:
    """A reader's own, a hidden one and others', one of them long."""
    long = "https://example.test/" + "a" * 120
    said = (
        (s.pick("支持私有部署吗？", "Can it run on our own servers?"), "shown", True),
        (long, "hidden", False),
        (s.pick("用了半年，客服很快。\n推荐。", "Half a year in; support is quick.\nRecommended."), "shown", False),
    )
    rows = tuple(
        CommentView(UUID(int=n), _VIDEO, s.pick("林知夏", "Lin Zhixia"), s.buyer, text, state, own, n == 1, _AT)
        for n, (text, state, own) in enumerate(said)
    )
    return CommentsView(str(_VIDEO), s.hiring, rows, 500)


def share(s: Samples) -> ShareView:
    """A member's own link of a video for partners."""
    title = s.pick("用一块屏管完校招", "Run a whole campus season on one screen")
    picture = Thumbnail("/media/recruiting-1.jpg", "/media/recruiting-1.jpg 160w")
    link = f"https://market.example/v/{_VIDEO}?share=Zk3v0aQx1bTe"
    return ShareView("video", str(_VIDEO), title, picture, "partners", link, "Zk3v0aQx1bTe", s.buyer)


def poster(s: Samples) -> ShareView:
    """A video that everybody may watch, sent on with a poster."""
    circles = (Choice("0", s.pick("招聘交流圈", "Hiring people")), Choice("1", s.pick("财务圈", "Finance")))
    return replace(share(s), visibility="public", has_poster=True, circles=circles)


def product(s: Samples) -> ShareView:
    """A product, by whoever has no link of their own yet."""
    link = f"https://market.example/products/{_VIDEO}"
    return replace(poster(s), kind="product", title=s.hiring, picture=None, address=link, code="")


def channel(s: Samples) -> ShareView:
    """A channel, by a member's own link."""
    link = f"https://market.example/channels/{_VIDEO}?share=Zk3v0aQx1bTe"
    title = s.pick("起点视频", "Qidian Video")
    return replace(poster(s), kind="channel", title=title, picture=None, address=link, circles=())


def report(s: Samples) -> ReportView:
    """A reader's words were too long."""
    text = s.pick("加微信领优惠", "Write to me for a discount")
    return ReportView("comment", str(UUID(int=1)), str(_VIDEO), s.pick("林知夏", "Lin Zhixia"), text, 200, "x" * 210)


def reported(s: Samples) -> ReportsView:
    """A comment that two readers reported, an answer, and a video with a long name."""
    said = (
        ("comment", "Lin", "http://spam.test/" + "a" * 90, 2, (s.pick("广告", "An advertisement"),)),
        ("answer", s.seller, s.pick("不知道。", "No idea."), 1, ()),
        ("video", s.seller, s.hiring, 1, (s.pick("画面不是该产品", "It shows another product"),)),
    )
    rows = tuple(
        OpenReport(UUID(int=n), kind, UUID(int=n), _VIDEO, who, text, number, reasons, _AT)
        for n, (kind, who, text, number, reasons) in enumerate(said)
    )
    return ReportsView(rows, "", KINDS, 500)
