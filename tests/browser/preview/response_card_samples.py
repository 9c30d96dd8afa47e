"""Sample views of cards that sell nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from api.pages.frame.choices import Choice
from api.pages.response_cards.views import (
    AnswerView,
    CardEditView,
    ReceiptView,
    ResponseItem,
    ResponsesView,
    ResponseView,
)
from api.pages.seller.views import FunnelStep
from marketplace.response_cards.consent_text import CARD_CONSENT_VERSION, card_consent_text
from marketplace.response_cards.models import CARD_KINDS
from marketplace.response_cards.queries import CardFile, CardPage, OwnCard, ResponseRow
from tests.browser.preview.buying_samples import Samples

_AT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
_ID = UUID(int=7)


def _title(s: Samples) -> str:
    return s.pick("校招开发工程师（杭州）", "Graduate software engineer, Hangzhou")


def _text(s: Samples) -> str:
    return s.pick(
        "与产品和客户一起做招聘系统。\n导师一对一。", "Build hiring software with its users.\nA mentor of your own."
    )


def answer(s: Samples) -> AnswerView:
    """A guest's form, one field refused."""
    title = _title(s)
    consent = card_consent_text(s.pick("zh-CN", "en"), s.seller, title, 180)
    card = CardPage(
        _ID,
        _ID,
        s.seller,
        "apply",
        title,
        title,
        _text(s),
        _text(s),
        ("phone", "message"),
        _AT + timedelta(days=20),
        3,
        takes_guests=True,
        is_own=False,
        file=None,
        consent_version=CARD_CONSENT_VERSION,
        consent_zh=consent,
        consent_en=consent,
    )
    wrong = s.pick("邮箱格式不正确。请检查后重新填写。", "That is no mail address. Check it.")
    return AnswerView(
        card,
        "/cards/7",
        "/v/7",
        title,
        _text(s),
        consent,
        {"name": s.pick("林知夏", "Lin Zhixia"), "email": "lin@"},
        6,
        signed_in=False,
        is_closed=False,
        error_field="email",
        field_error=wrong,
    )


def _row(s: Samples, state: str = "working") -> ResponseRow:
    return ResponseRow(
        id=_ID,
        card_id=_ID,
        video_id=_ID,
        kind="apply",
        title=_title(s),
        title_en=_title(s),
        state=state,
        name=s.pick("林知夏", "Lin Zhixia"),
        email="lin.zhixia.with.a.long.name@university.example",
        phone="+86 139 0000 0000",
        company="",
        message=s.pick(
            "三年级，做过两个推荐系统。\nhttps://git.example/lin",
            "Third year; two recommenders.\nhttps://git.example/lin",
        ),
        note=s.pick("周二面试", "Interview on Tuesday"),
        second_ms=6_000,
        consent_version=CARD_CONSENT_VERSION,
        consent_text=card_consent_text(s.pick("zh-CN", "en"), s.seller, _title(s), 180),
        consented_at=_AT,
        erase_at=_AT + timedelta(days=180),
        erased_at=None,
        created_at=_AT,
    )


def receipt(s: Samples) -> ReceiptView:
    """What a guest gave."""
    return ReceiptView(_row(s), _title(s), "/card-answer/delete?token=x", "", "")


def responses(s: Samples) -> ResponsesView:
    """Four answers, of each kind."""
    names = (
        s.pick("林知夏", "Lin Zhixia"),
        s.pick("（已删除）", "(deleted)"),
        "Alexandra Featherstonehaugh-Cholmondeley",
        "Wu",
    )
    states = ("new", "working", "done", "declined")
    rows = tuple(
        ResponseItem(f"/seller/card-responses/{n}", kind, _title(s), names[n], states[n], _AT)
        for n, kind in enumerate(CARD_KINDS)
    )
    return ResponsesView(
        "/seller/card-responses", states, "", rows, "/v1/seller/card-responses/export", "/seller/videos"
    )


def response(s: Samples) -> ResponseView:
    """One of them."""
    row = _row(s)
    said = (("name", row.name), ("email", row.email), ("phone", row.phone), ("message", row.message))
    own = "/seller/card-responses/7"
    return ResponseView(
        row,
        _title(s),
        own,
        f"{own}/erase",
        "/seller/card-responses",
        "/seller/videos/7",
        ("done", "declined"),
        row.note,
        said,
    )


def edit(s: Samples) -> CardEditView:
    """A download with its file and its funnel."""
    card = OwnCard(
        _ID,
        _ID,
        "download",
        2_000,
        12_000,
        _title(s),
        _title(s),
        "",
        "",
        ("company",),
        None,
        None,
        180,
        None,
        CardFile(s.pick("招聘白皮书 2026.pdf", "Hiring white paper 2026.pdf"), "application/pdf", 2_400_000),
        1_204,
        96,
        31,
        31,
    )
    typed = {
        "kind": "download",
        "from_s": "2",
        "to_s": "12",
        "title": s.pick("招聘白皮书", "White paper"),
        "retention_days": "180",
    }
    steps = (("impression", 1_204), ("card_click", 96), ("card_answer", 31))
    return CardEditView(
        "/seller/response-cards/7",
        "/seller/videos/7",
        s.hiring,
        14,
        ("download",),
        typed | {"company": "yes"},
        (Choice("7", s.hiring),),
        "Asia/Shanghai",
        card=card,
        funnel=tuple(FunnelStep(key, number, number * 1_000_000 // 1_204) for key, number in steps),
        responses="/seller/card-responses?card=7",
        remove="/seller/response-cards/7/remove",
        file_address="/seller/response-cards/7/file",
    )
