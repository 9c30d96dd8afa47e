"""Support tickets, with made-up data."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

from api.pages.conversations.views import SaidRow
from api.pages.frame import addresses, ticket_addresses
from api.pages.frame.choices import Choice
from api.pages.tickets.handlers import ASSIGNED, STATES
from api.pages.tickets.views import (
    HandoverItem,
    NewTicketPage,
    OperatorTicketsView,
    SellerTicketPage,
    SellerTicketsView,
    TicketPage,
    TicketRow,
    TicketsView,
)
from tests.browser.preview.buying_samples import ID, Samples

_AT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def row(s: Samples, side: str) -> TicketRow:
    """One whose first answer is due."""
    both = f"{s.seller} ← {s.buyer}"
    return TicketRow(
        address=ticket_addresses.ticket(ID.format(91), sells=side == "seller"),
        subject=s.pick("第 12 席位无法登录", "Seat 12 cannot sign in"),
        other={"buyer": s.seller, "seller": s.buyer}.get(side, both),
        order_number="O-2026-000318",
        severity="high",
        state="open",
        due_at=_AT + timedelta(hours=4),
        late=False,
        at=_AT,
    )


def rows(s: Samples, side: str) -> tuple[TicketRow, ...]:
    """One that is late, one that is not, one answered, one rated."""
    one = row(s, side)
    done = replace(one, state="closed", due_at=None, severity="low", rating=5)
    return (
        replace(one, late=True, severity="critical"),
        one,
        replace(one, state="waiting_buyer", due_at=None, late=True),
        done,
    )


def page(s: Samples) -> TicketPage:
    """A buyer's that waits."""
    words = s.pick("提示没有权限，截图见附件。", "It says that there is no permission; see the attached picture.")
    return TicketPage(
        address=ticket_addresses.ticket(ID.format(91)),
        back=ticket_addresses.TICKETS,
        row=row(s, "buyer"),
        order=addresses.order(ID.format(40)),
        messages=(
            SaidRow(
                "written",
                True,
                s.pick("林晓", "Lin Xiao"),
                words,
                _AT,
                file_name="seat.png",
                file_bytes=90_211,
                file_address="/f",
            ),
        ),
        accept=".pdf,.png",
        limit_mb=20,
        idempotency_key="k",
        may_write=True,
        may_close=True,
    )


def buyers_pages(s: Samples) -> dict[str, TicketsView | NewTicketPage | TicketPage]:
    """The buyer's pages by name."""
    at = ticket_addresses.TICKETS
    severities = tuple(Choice(one, one) for one in ("low", "normal", "high", "critical"))
    hours = s.pick(
        "服务时间：周一至周五 09:00–18:00（Asia/Shanghai）", "Hours of service: Mon–Fri 09:00–18:00 (Asia/Shanghai)"
    )
    new = NewTicketPage(
        at, addresses.order(ID.format(40)), ID.format(40), "O-2026-000318", s.seller, severities, "k", hours
    )
    return {
        "tickets": TicketsView(at, STATES, "", rows(s, "buyer")),
        "tickets-none": TicketsView(at, STATES, "", ()),
        "ticket-new": new,
        "ticket": page(s),
        "ticket-resolved": replace(
            page(s),
            row=replace(row(s, "buyer"), state="resolved", due_at=None, late=True),
            answered_at=_AT + timedelta(hours=1),
            closes_at=_AT + timedelta(days=7),
        ),
        "ticket-rated": replace(
            page(s),
            row=replace(row(s, "buyer"), state="closed", due_at=None),
            may_write=False,
            may_close=False,
            answered_at=_AT,
            rating=4,
            rating_text=s.pick("很快。", "Fast."),
        ),
    }


def sellers_pages(s: Samples) -> dict[str, TicketsView | TicketPage]:
    """The seller's pages by name."""
    at = ticket_addresses.SELLER_TICKETS
    figures = s.pick(
        "近 90 天 42 张工单，已答复 40 张，逾期 3 张；首次答复中位数 1 小时 12 分钟。",
        "42 tickets in 90 days, 40 answered, 3 late; half of the first answers came within 1 h 12 min.",
    )
    own = page(s)
    values = {name: getattr(own, name) for name in (one.name for one in fields(TicketPage))}
    values |= {
        "row": replace(row(s, "seller"), late=True),
        "may_close": False,
        "escalated": True,
        "carers": (Choice("", s.pick("尚无负责人", "Nobody yet")), Choice(ID.format(3), s.pick("陈静", "Chen Jing"))),
        "carer": ID.format(3),
        "handovers": (
            HandoverItem(s.pick("周宁", "Zhou Ning"), s.pick("周宁", "Zhou Ning"), "", _AT),
            HandoverItem(
                s.pick("陈静", "Chen Jing"),
                s.pick("周宁", "Zhou Ning"),
                s.pick("客户已回传日志，请继续。", "The customer sent its logs; please go on."),
                _AT + timedelta(hours=1),
            ),
        ),
        "address": f"{at}/{ID.format(91)}",
    }
    values["messages"] = tuple(replace(one, ours=False, author=s.buyer) for one in own.messages)
    return {
        "seller-tickets": SellerTicketsView(
            at,
            STATES,
            "",
            tuple(replace(one, carer=s.pick("陈静", "Chen Jing") if one.late else "") for one in rows(s, "seller")),
            None,
            figures,
            whose=ASSIGNED,
        ),
        "seller-ticket-nobodys": SellerTicketPage(**values | {"carer": "", "may_take": True, "handovers": ()}),
        "seller-tickets-none": SellerTicketsView(at, STATES, "", (), None, figures),
        "seller-ticket": SellerTicketPage(**values),
    }


def operators_pages(s: Samples) -> dict[str, TicketsView]:
    """The platform's."""
    at = ticket_addresses.OPERATOR_TICKETS
    return {
        "operator-tickets": OperatorTicketsView(at, (), "", rows(s, "operator")[:1]),
        "operator-tickets-none": OperatorTicketsView(at, (), "", ()),
    }
