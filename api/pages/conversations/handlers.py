"""Conversations on pages: the inbox of each side, one thread, and a seller's hours of service."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import SIGNED_IN
from api.conversation_files import keep_upload
from api.pages.conversations.presenter import thread_row, thread_with_customer, thread_with_seller
from api.pages.conversations.views import InboxView, SellerInboxView, ServiceWindowPage, ThreadPage
from api.pages.frame import addresses, conversation_addresses
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.leads.demo_handlers import WEEKDAYS
from api.pages.offers.presenter import refusal
from api.schema import Out, run_command
from api.v1.conversations import ConversationMessageIn, thread
from api.v1.demos import clock_of, minute_of
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Invalid, NotFound
from marketplace.service_windows.save_window import SaveServiceWindow, save_service_window, service_window_of
from orders.conversations.models import ConversationMessage
from orders.conversations.queries import (
    BUYER_FILTERS,
    FILTERS,
    Filter,
    list_own_conversations,
    list_seller_conversations,
)
from orders.conversations.sides import MANAGE, find_between
from orders.conversations.work import close_conversation, hand_over, mute_conversation, reopen_conversation
from orders.conversations.write import WriteMessage, write_to_customer, write_to_seller
from orders.milestones.file_types import MAX_BYTES

Answer = Response[str] | Response[bytes]
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00", re.ASCII)


@page(conversation_addresses.INBOX, SIGNED_IN)
def show_inbox(page_request: Given[PageRequest]) -> Answer:
    """The organization's threads with sellers."""
    chosen = _filter(page_request, BUYER_FILTERS)
    with page_request.work() as uow:
        found = list_own_conversations(uow, cursor=page_request.query("cursor", most=200) or None, only=chosen)
    rows = tuple(thread_row(page_request, one, sells=False) for one in found.items)
    at = conversation_addresses.INBOX
    more = addresses.next_page(at, found.next_cursor, only=chosen)
    may = page_request.principal.may("orders.read")
    return page_request.render(InboxView(_filters(at, BUYER_FILTERS, chosen), rows, chosen or "", "", more, may))


@page(conversation_addresses.SELLER_INBOX, MANAGE)
def show_seller_inbox(page_request: Given[PageRequest]) -> Answer:
    """The seller's threads with its customers."""
    require_seller(page_request)
    chosen = _filter(page_request, FILTERS)
    with page_request.work() as uow:
        found = list_seller_conversations(uow, cursor=page_request.query("cursor", most=200) or None, only=chosen)
    rows = tuple(thread_row(page_request, one, sells=True) for one in found.items)
    at = conversation_addresses.SELLER_INBOX
    more = addresses.next_page(at, found.next_cursor, only=chosen)
    window = conversation_addresses.SERVICE_WINDOW
    return page_request.render(SellerInboxView(_filters(at, FILTERS, chosen), rows, chosen or "", window, more))


@page("/conversations/{seller_id:uuid}", SIGNED_IN)
def show_with_seller(seller_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """The thread with a seller; `order` says what it is about."""
    return page_request.render(_with_seller(page_request, seller_id))


@form_post("/conversations/{seller_id:uuid}", SIGNED_IN, file_bytes=MAX_BYTES)
def say_to_seller(seller_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Write to the seller."""

    def write(uow: UnitOfWork, message: WriteMessage) -> ConversationMessage:
        return write_to_seller(uow, seller_id, message)

    address = conversation_addresses.with_seller(str(seller_id))
    return _say(page_request, form, write, address, lambda: _with_seller(page_request, seller_id))


@form_post("/conversations/{seller_id:uuid}/{act:str}", SIGNED_IN)
def act_on_own(
    seller_id: FromPath[UUID], act: FromPath[str], page_request: Given[PageRequest], form: Given[Form]
) -> Answer:
    """Close the thread or open it again; be told of nothing in it, or again."""
    del form
    acts: dict[str, Callable[[UnitOfWork, UUID], object]] = {
        "close": close_conversation,
        "reopen": reopen_conversation,
        "mute": lambda uow, found: mute_conversation(uow, found, muted=True),
        "unmute": lambda uow, found: mute_conversation(uow, found, muted=False),
    }
    own = page_request.principal.organization
    return _act(
        page_request,
        acts.get(act),
        lambda uow: find_between(uow, own(), seller_id),
        conversation_addresses.with_seller(str(seller_id)),
    )


@page("/seller/conversations/{buyer_id:uuid}", MANAGE)
def show_with_customer(buyer_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """The thread with a customer."""
    require_seller(page_request)
    return page_request.render(_with_customer(page_request, buyer_id))


@form_post("/seller/conversations/{buyer_id:uuid}", MANAGE, file_bytes=MAX_BYTES)
def say_to_customer(buyer_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Write to the customer."""
    require_seller(page_request)

    def write(uow: UnitOfWork, message: WriteMessage) -> ConversationMessage:
        return write_to_customer(uow, buyer_id, message)

    address = conversation_addresses.with_customer(str(buyer_id))
    return _say(page_request, form, write, address, lambda: _with_customer(page_request, buyer_id))


@form_post("/seller/conversations/{buyer_id:uuid}/{act:str}", MANAGE)
def act_on_customers(
    buyer_id: FromPath[UUID], act: FromPath[str], page_request: Given[PageRequest], form: Given[Form]
) -> Answer:
    """Close the thread or open it again, or say who is responsible."""
    person = form.text("person_id", most=36)
    person_id = parse_uuid_or_404(person, "member_not_found") if person else None
    acts: dict[str, Callable[[UnitOfWork, UUID], object]] = {
        "close": close_conversation,
        "reopen": reopen_conversation,
        "assignee": lambda uow, found: hand_over(uow, found, person_id),
    }
    own = page_request.principal.organization
    return _act(
        page_request,
        acts.get(act),
        lambda uow: find_between(uow, buyer_id, own()),
        conversation_addresses.with_customer(str(buyer_id)),
    )


@page(conversation_addresses.SERVICE_WINDOW, MANAGE)
def show_window(page_request: Given[PageRequest]) -> Answer:
    """When the seller's people answer."""
    require_seller(page_request)
    return page_request.render(_window(page_request))


@form_post(conversation_addresses.SERVICE_WINDOW, MANAGE)
def save_window(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Say when they answer, and what is answered by itself."""
    require_seller(page_request)
    typed: dict[str, Any] = {name: form.values.get(name, "")[:5_000] for name in ("begins", "ends")}
    typed |= {name: form.values.get(name, "")[:5_000] for name in ("days_off", "answer", "answer_en")}
    chosen = tuple(day for day in WEEKDAYS if form.text(f"day_{day}", most=3) == "yes")
    try:
        for name in ("begins", "ends"):
            if not _CLOCK.fullmatch(typed[name]):
                raise Invalid("service_hours_invalid", field=name)
        command = SaveServiceWindow(
            tuple(int(day) for day in chosen),
            minute_of(typed["begins"]),
            minute_of(typed["ends"]),
            _days(typed["days_off"]),
            typed["answer"],
            typed["answer_en"],
        )
        page_request.transact(lambda uow: save_service_window(uow, command).org_id)
    except DomainError as refused:
        view = replace(_window(page_request), chosen=chosen, **typed, **refusal(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(conversation_addresses.SERVICE_WINDOW, notice="service_window_saved")


def _with_seller(page_request: PageRequest, seller_id: UUID) -> ThreadPage:
    return page_request.transact(lambda uow: thread_with_seller(page_request, uow, seller_id))


def _with_customer(page_request: PageRequest, buyer_id: UUID) -> ThreadPage:
    return page_request.transact(lambda uow: thread_with_customer(page_request, uow, buyer_id))


def _say(
    page_request: PageRequest,
    form: Form,
    write: Callable[[UnitOfWork, WriteMessage], ConversationMessage],
    address: str,
    again: Callable[[], ThreadPage],
) -> Answer:
    """Write once for the form that was shown, however often it is sent; refused, what was typed stays."""
    typed: dict[str, Any] = {
        "text": form.values.get("text", "")[:5_000],
        "order_id": form.values.get("order_id", "")[:36],
    }
    try:
        order_id = parse_uuid_or_404(typed["order_id"]) if typed["order_id"] else None
        if form.has_file("file"):
            keep_upload(
                page_request.request,
                form.file("file"),
                lambda uow, file: write(uow, WriteMessage(typed["text"], order_id, file)),
            )
        else:
            asked = ConversationMessageIn.model_construct(text=typed["text"], order_id=order_id)

            def work(uow: UnitOfWork) -> Out:
                return thread(uow, write(uow, WriteMessage(typed["text"], order_id)).conversation_id)

            key = form.text("idempotency_key", most=255) or None
            path = page_request.request.scope["path"].lower()
            run_command(page_request.request, key, asked, work, route=f"POST {path}")
    except NotFound:
        raise
    except DomainError as refused:
        view = replace(again(), **typed, **refusal(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(f"{address}#write")


def _act(
    page_request: PageRequest,
    act: Callable[[UnitOfWork, UUID], object] | None,
    find: Callable[[UnitOfWork], Any],
    address: str,
) -> Answer:
    """What a button of a thread does; pressed twice, the second changes nothing."""
    if act is None:
        raise NotFound("not_found")
    chosen = act

    def work(uow: UnitOfWork) -> None:
        found = find(uow)
        if found is None:
            raise NotFound("conversation_not_found")
        chosen(uow, found.id)

    page_request.transact(work)
    return page_request.redirect(address)


def _window(page_request: PageRequest) -> ServiceWindowPage:
    with page_request.work() as uow:
        found = service_window_of(uow, page_request.principal.organization())
    return ServiceWindowPage(
        address=conversation_addresses.SERVICE_WINDOW,
        back=conversation_addresses.SELLER_INBOX,
        weekdays=WEEKDAYS,
        chosen=tuple(str(day) for day in found.weekdays),
        begins=clock_of(found.from_minute),
        ends=clock_of(found.to_minute),
        time_zone=found.time_zone,
        days_off="\n".join(day.isoformat() for day in found.days_off),
        answer=found.answer,
        answer_en=found.answer_en,
        is_own=found.is_own,
    )


def _days(typed: str) -> tuple[date, ...]:
    try:
        return tuple(date.fromisoformat(one) for one in re.split(r"[\s,，、;；]+", typed) if one)
    except ValueError as error:
        raise Invalid("service_hours_invalid", field="days_off") from error


def _filter(page_request: PageRequest, known: tuple[Filter, ...]) -> Filter | None:
    asked = page_request.query("only", most=20)
    return next((one for one in known if one == asked), None)


def _filters(at: str, known: tuple[Filter, ...], chosen: Filter | None) -> tuple[tuple[str, str, bool], ...]:
    """Name, address, and whether it is the chosen one; all of them come first."""
    every = ("all", at, chosen is None)
    return (every, *((one, addresses.with_query(at, only=one), one == chosen) for one in known))


routes = [
    show_inbox,
    show_seller_inbox,
    show_with_seller,
    say_to_seller,
    act_on_own,
    show_with_customer,
    say_to_customer,
    act_on_customers,
    show_window,
    save_window,
]
