"""Threads as pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from api.pages.conversations.views import OrderShown, SaidRow, SellerThreadPage, ThreadPage, ThreadRow
from api.pages.frame import addresses, conversation_addresses
from api.pages.frame.choices import Choice
from api.pages.frame.site import PageRequest
from api.pages.frame.translations import translations
from api.v1.demos import clock_of
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from marketplace.access.members import list_members
from marketplace.access.permissions import permissions_of
from marketplace.service_windows.hours import is_open
from marketplace.service_windows.save_window import ServiceWindowView, service_window_of
from orders.conversations.queries import (
    ConversationMessageView,
    ConversationView,
    find_conversation,
    get_conversation,
    list_messages,
    orders_between,
)
from orders.conversations.sides import MANAGE, addressed_seller, find_between, name_of_known
from orders.conversations.work import mark_conversation_read
from orders.milestones.file_types import ENDINGS, MAX_BYTES

ACCEPT = ",".join(f".{ending}" for ending in ENDINGS)


def thread_row(page_request: PageRequest, row: ConversationView, *, sells: bool) -> ThreadRow:
    """A thread in an inbox."""
    del page_request
    return ThreadRow(
        address=conversation_addresses.with_customer(str(row.buyer_org_id))
        if sells
        else conversation_addresses.with_seller(str(row.seller_org_id)),
        other=row.buyer_name if sells else row.seller_name,
        state=row.state,
        assigned=row.assigned_name or "",
        text=row.last_text,
        by_us=(row.last_side == "seller") is sells,
        at=row.last_at,
        unread=row.unread,
        muted=row.is_muted,
    )


def thread_with_seller(page_request: PageRequest, uow: UnitOfWork, seller_id: UUID) -> ThreadPage:
    """The thread with a seller, read as far as it is shown. Raises as `addressed_seller`."""
    party = addressed_seller(uow, seller_id)
    window = service_window_of(uow, seller_id)
    found = find_between(uow, page_request.principal.organization(), seller_id)
    shown = _thread(page_request, uow, found.id if found else None, sells=False)
    shown |= {
        "address": conversation_addresses.with_seller(str(seller_id)),
        "back": conversation_addresses.INBOX,
        "other": party.display_name,
        "hours": hours_in_words(page_request, window),
        "closed_now": not is_open(window.hours, clock.now()),
        "orders": _orders(page_request, uow, page_request.principal.organization(), seller_id, sells=False),
        "order_id": page_request.query("order", most=36),
    }
    return ThreadPage(**shown)


def thread_with_customer(page_request: PageRequest, uow: UnitOfWork, buyer_id: UUID) -> ThreadPage:
    """A seller's thread with a customer, read as far as it is shown. Raises as `name_of_known`."""
    name = name_of_known(uow, buyer_id)
    seller_id = page_request.principal.organization()
    found = find_between(uow, buyer_id, seller_id)
    nobody = Choice("", page_request.t("conversation.nobody"))
    members = [one for one in list_members(uow) if MANAGE in permissions_of(one.roles) and one.state == "active"]
    shown = _thread(page_request, uow, found.id if found else None, sells=True)
    shown |= {
        "address": conversation_addresses.with_customer(str(buyer_id)),
        "back": conversation_addresses.SELLER_INBOX,
        "other": name,
        "customer": addresses.seller_customer(str(buyer_id))
        if page_request.principal.may("seller.orders.read")
        else "",
        "members": (nobody, *(Choice(str(one.person_id), one.name) for one in members)),
        "orders": _orders(page_request, uow, buyer_id, seller_id, sells=True),
    }
    return SellerThreadPage(**shown)


def _thread(page_request: PageRequest, uow: UnitOfWork, conversation_id: UUID | None, *, sells: bool) -> dict[str, Any]:
    common: dict[str, Any] = {
        "accept": ACCEPT,
        "limit_mb": MAX_BYTES // 1_000_000,
        "idempotency_key": str(uuid7()),
        "state": "open",
        "messages": (),
    }
    if conversation_id is None:
        return common
    view = get_conversation(uow, conversation_id)
    cursor = page_request.query("cursor", most=20) or None
    messages = list_messages(uow, conversation_id, cursor=cursor)
    if messages.items and not cursor:
        mark_conversation_read(uow, find_conversation(uow, conversation_id)[0], messages.items[0].number)
    own = conversation_addresses.with_customer(str(view.buyer_org_id))
    own = own if sells else conversation_addresses.with_seller(str(view.seller_org_id))
    earlier = addresses.with_query(own, cursor=messages.next_cursor) if messages.next_cursor else ""
    return common | {
        "state": view.state,
        "messages": _said(page_request, view, messages.items, sells=sells),
        "stream": conversation_addresses.stream(str(conversation_id)),
        "earlier": earlier,
        "assigned": view.assigned_name or "",
        "assigned_to": str(view.assigned_to or ""),
        "muted": view.is_muted,
    }


def _said(
    page_request: PageRequest, view: ConversationView, rows: Sequence[ConversationMessageView], *, sells: bool
) -> tuple[SaidRow, ...]:
    names = {"buyer": view.buyer_name, "seller": view.seller_name}
    own_side = "seller" if sells else "buyer"
    return tuple(
        SaidRow(
            kind=one.kind,
            ours=one.side == own_side,
            author=one.author or names[one.side],
            text=page_request.pick(one.text, one.text_en) if one.text_en is not None else one.text,
            at=one.created_at,
            order=_order(page_request, one, sells=sells),
            names_order=one.order_id is not None,
            file_name=one.file_name or "",
            file_bytes=one.size_bytes or 0,
            file_address=conversation_addresses.file(str(view.id), str(one.id)) if one.file_name else "",
        )
        for one in reversed(rows)
    )


def _order(page_request: PageRequest, row: ConversationMessageView, *, sells: bool) -> OrderShown | None:
    if row.order is None:
        return None
    address = "" if sells else addresses.order(str(row.order.order_id))
    if sells and page_request.principal.may("trace.read"):
        address = addresses.trace(str(row.order.order_id))
    title = page_request.pick(row.order.title, row.order.title_en)
    return OrderShown(row.order.number, title, row.order.state, address)


def _orders(
    page_request: PageRequest, uow: UnitOfWork, buyer_id: UUID, seller_id: UUID, *, sells: bool
) -> tuple[Choice, ...]:
    found = orders_between(uow, buyer_id, seller_id, "seller" if sells else "buyer")
    none = Choice("", page_request.t("conversation.no_order"))
    rows = [Choice(str(one.order_id), f"{one.number} · {page_request.pick(one.title, one.title_en)}") for one in found]
    return (none, *rows) if rows else ()


def hours_in_words(page_request: PageRequest, window: ServiceWindowView) -> str:
    """When a seller answers, as both conversations and tickets say it."""
    days = page_request.t("conversation.and").join(
        translations(page_request.language).word("weekday", str(day)) for day in window.weekdays
    )
    return page_request.t(
        "conversation.hours",
        days=days,
        begins=clock_of(window.from_minute),
        ends=clock_of(window.to_minute),
        zone=window.time_zone,
    )
