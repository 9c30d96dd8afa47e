"""Conversations and a seller's hours of service, with made-up data."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from api.pages.conversations.views import (
    InboxView,
    OrderShown,
    SaidRow,
    SellerInboxView,
    SellerThreadPage,
    ServiceWindowPage,
    ThreadPage,
    ThreadRow,
)
from api.pages.frame import addresses, conversation_addresses
from api.pages.frame.choices import Choice
from tests.browser.preview.buying_samples import ID, Samples

_AT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def said(s: Samples, *, sells: bool) -> tuple[SaidRow, ...]:
    """A question with an order, the automatic answer, who took it, and the answer with a file."""
    order = OrderShown("O-2026-000318", s.hiring, "active", addresses.order(ID.format(40)))
    person, colleague = s.pick("林晓", "Lin Xiao"), s.pick("陈立", "Chen Li")
    return (
        SaidRow(
            "written",
            not sells,
            s.buyer if sells else person,
            s.pick(
                "发票抬头怎么修改？另外，二十个席位何时开通？",
                "How do we change the title on the invoice? And the seats?",
            ),
            _AT,
            order,
            names_order=True,
        ),
        SaidRow(
            "automatic",
            sells,
            s.seller,
            s.pick(
                "现在不在服务时间，我们会在下一个工作日答复。", "We are closed now and answer on the next working day."
            ),
            _AT,
        ),
        SaidRow("handover", sells, "", colleague, _AT + timedelta(hours=20)),
        SaidRow(
            "written",
            sells,
            colleague if sells else s.seller,
            s.pick("步骤见附件，席位已开通。", "The steps are attached; the seats are open."),
            _AT + timedelta(hours=20),
            file_name=s.pick("修改抬头的步骤.pdf", "how-to-change-the-title-of-an-invoice.pdf"),
            file_bytes=482_133,
            file_address=conversation_addresses.file(ID.format(81), ID.format(82)),
        ),
    )


def thread(s: Samples) -> ThreadPage:
    """A buyer's, outside the seller's hours."""
    return ThreadPage(
        address=conversation_addresses.with_seller(ID.format(31)),
        back=conversation_addresses.INBOX,
        other=s.seller,
        state="open",
        messages=said(s, sells=False),
        accept=".pdf,.png",
        limit_mb=20,
        idempotency_key="k",
        stream=conversation_addresses.stream(ID.format(81)),
        earlier=conversation_addresses.with_seller(ID.format(31)),
        hours=s.pick(
            "服务时间：周一、周二、周三、周四、周五 09:00–18:00（Asia/Shanghai）",
            "Hours of service: Mon, Tue, Wed, Thu, Fri 09:00–18:00 (Asia/Shanghai)",
        ),
        closed_now=True,
        assigned=s.pick("陈立", "Chen Li"),
        orders=(Choice("", s.pick("不附订单", "No order")), Choice("o", f"O-2026-000318 · {s.hiring}")),
    )


def sold_thread(s: Samples) -> SellerThreadPage:
    """The same for its seller."""
    nobody = Choice("", s.pick("尚无负责人", "Nobody is responsible yet"))
    return SellerThreadPage(
        address=conversation_addresses.with_customer(ID.format(32)),
        back=conversation_addresses.SELLER_INBOX,
        other=s.buyer,
        state="open",
        messages=said(s, sells=True),
        accept=".pdf,.png",
        limit_mb=20,
        idempotency_key="k",
        stream=conversation_addresses.stream(ID.format(81)),
        customer=addresses.seller_customer(ID.format(32)),
        assigned=s.pick("陈立", "Chen Li"),
        assigned_to="p1",
        members=(nobody, Choice("p1", s.pick("陈立", "Chen Li"))),
        orders=(Choice("", s.pick("不附订单", "No order")), Choice("o", f"O-2026-000318 · {s.hiring}")),
    )


def _rows(s: Samples, *, sells: bool) -> tuple[ThreadRow, ...]:
    at = (
        conversation_addresses.with_customer(ID.format(32))
        if sells
        else conversation_addresses.with_seller(ID.format(31))
    )
    words = s.pick("步骤见附件，席位已开通。", "The steps are attached; the seats are open.")
    other = s.buyer if sells else s.seller
    first = ThreadRow(at, other, "open", s.pick("陈立", "Chen Li"), words, sells, _AT, 0 if sells else 2, muted=False)
    second = replace(first, other="Société Générale d'Essais", assigned="", text="", by_us=False, unread=1)
    return (first, replace(second, muted=not sells), replace(first, state="closed", unread=0))


def buyers_pages(s: Samples) -> dict[str, InboxView | ThreadPage]:
    """The buyer's pages by name."""
    at = conversation_addresses.INBOX
    filters = (("all", at, True), ("unread", at, False))
    return {
        "conversations": InboxView(filters, _rows(s, sells=False)),
        "conversations-none": InboxView(filters, ()),
        "conversation": thread(s),
        "conversation-new": replace(
            thread(s), messages=(), stream="", earlier="", assigned="", closed_now=False, order_id="o"
        ),
        "conversation-refused": replace(
            thread(s),
            error_field="text",
            field_error=s.pick("请填写此项。", "Fill this in."),
            state="closed",
            muted=True,
        ),
    }


def sellers_pages(s: Samples) -> dict[str, InboxView | ThreadPage | ServiceWindowPage]:
    """The seller's pages by name."""
    at = conversation_addresses.SELLER_INBOX
    filters = (("all", at, False), ("unread", at, False), ("mine", at, True), ("unassigned", at, False))
    window = conversation_addresses.SERVICE_WINDOW
    return {
        "seller-conversations": SellerInboxView(filters, _rows(s, sells=True), "mine", window),
        "seller-conversations-none": SellerInboxView(filters, (), "mine", window),
        "seller-conversations-never": SellerInboxView(filters, (), "", window),
        "seller-conversation": sold_thread(s),
        "seller-service-window": ServiceWindowPage(
            address=window,
            back=at,
            weekdays=tuple("1234567"),
            chosen=tuple("12345"),
            begins="09:00",
            ends="18:00",
            time_zone="Asia/Shanghai",
            days_off="2027-01-01\n2027-02-05",
            answer="现在不在服务时间，我们会在下一个工作日答复。",
            answer_en="We are closed now and answer on the next working day.",
            is_own=False,
        ),
    }
