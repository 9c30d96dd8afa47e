"""Sample views of what viewers do with a video: comments, those that were reported, sending it on."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from api.media_addresses import Thumbnail
from api.pages.comments.views import CommentsView, ReportedCommentsView
from api.pages.sharing.views import ShareView
from fulfillment.customer_reviews.queries import ReportedReview
from marketplace.reactions.comment_queries import CommentView, ReportedComment
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
    return ShareView(str(_VIDEO), title, picture, "partners", link, "Zk3v0aQx1bTe", s.buyer)


def reported(s: Samples) -> ReportedCommentsView:
    """One comment that two readers reported."""
    reasons = (s.pick("广告", "An advertisement"),)
    row = ReportedComment(UUID(int=1), _VIDEO, "Lin", s.buyer, "http://spam.test", "shown", 2, reasons, _AT)
    kind = s.pick("客服没有回复。", "Nobody ever answered.")
    review = ReportedReview(UUID(int=2), UUID(int=3), s.buyer, 1, kind, "shown", 1, (), _AT)
    return ReportedCommentsView((row,), (review,))
