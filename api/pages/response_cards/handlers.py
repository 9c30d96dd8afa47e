"""Cards that sell nothing: answered by viewers, put on a video and worked through by their owner."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import PUBLIC
from api.network_address import network_address
from api.pages.frame import addresses, card_addresses
from api.pages.frame.phrases import failure
from api.pages.frame.site import NOT_INDEXED, Form, PageRequest, form_post, page
from api.pages.frame.typed_numbers import find_whole
from api.pages.response_cards.editor import (
    MANAGE,
    card_of,
    edit_view,
    new_view,
    refusal,
    typed_in,
)
from api.pages.response_cards.views import AnswerView, ReceiptView, ResponseItem, ResponsesView, ResponseView, SentView
from api.problems import headers_of
from api.v1.card_files import send_answer_file, store_card_file
from api.v1.response_cards import WRITE, read_receipt, receipt_address
from kernel import clock
from kernel.errors import DomainError, NotFound
from marketplace.response_cards.answer_card import AnswerCard, answer_card
from marketplace.response_cards.count_card import count_card
from marketplace.response_cards.models import CARD_RESPONSE
from marketplace.response_cards.queries import ResponseRow, get_card_page, get_response, list_responses
from marketplace.response_cards.save_card import add_card, change_card, remove_card
from marketplace.response_cards.work_response import WorkResponse, erase_own, erase_response, work_response
from orders.milestones.file_types import MAX_BYTES

Answer = Response[str] | Response[bytes]
STATES = tuple(CARD_RESPONSE.edges)
TYPED = ("name", "email", "phone", "company", "message")


@page("/cards/{card_id:uuid}", PUBLIC)
def show_card(card_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """A card with its form. Coming here is the press that its funnel counts."""
    view = _answer_view(page_request, card_id, {}, page_request.query_number("second"))
    with suppress(NotFound):
        page_request.transact(lambda uow: count_card(uow, card_id, "click"))
    return page_request.render(view, headers=NOT_INDEXED)


@form_post("/cards/{card_id:uuid}", PUBLIC)
def send_answer(card_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Answer it. Pressed twice, it is one answer."""
    typed = {name: form.values.get(name, "")[:3_000] for name in TYPED}
    second = min(find_whole(form.values.get("second", "")) or 0, 86_400)
    agreed = form.text("agreed", most=3) == "yes"
    try:
        command = AnswerCard(
            card_id,
            form.text("consent_version", most=20) if agreed else "",
            **typed,
            locale=page_request.language,
            second_ms=second * 1_000,
            network_address=network_address(page_request.request, page_request.services.settings.forwarded_hops),
        )
        answered = page_request.transact(lambda uow: answer_card(uow, command))
    except NotFound:
        raise
    except DomainError as refused:
        said = refusal(page_request, refused)
        if refused.code == "consent_required":
            said = {"error_field": "agreed", "field_error": page_request.t("cards.agree_first")}
        view = replace(_answer_view(page_request, card_id, typed, second), **said)
        return page_request.render(view, status=refused.status, headers=headers_of(refused))
    address = receipt_address(page_request.request, answered)
    return page_request.redirect(address or f"{card_addresses.card(card_id)}/sent", notice="card_answered")


@page("/cards/{card_id:uuid}/sent", PUBLIC)
def show_sent(card_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """What a guest reads after answering: the receipt comes by mail."""
    with page_request.work() as uow:
        card = get_card_page(uow, card_id)
    title = page_request.pick(card.title, card.title_en)
    return page_request.render(
        SentView(title, card.owner_name, addresses.video(str(card.video_id))), headers=NOT_INDEXED
    )


@page(card_addresses.RECEIPT, PUBLIC)
def show_receipt(page_request: Given[PageRequest]) -> Answer:
    """What somebody gave, for whoever holds the link."""
    token = page_request.query("token", most=1_000)
    found = read_receipt(page_request.request, token)
    view = ReceiptView(
        found.answer,
        page_request.pick(found.answer.title, found.answer.title_en),
        card_addresses.receipt(token, "/delete"),
        card_addresses.receipt(token, "/file") if found.has_file else "",
        addresses.video(str(found.learn_video_id)) if found.learn_video_id else "",
    )
    return page_request.render(view, headers=NOT_INDEXED)


@page(f"{card_addresses.RECEIPT}/file", PUBLIC)
def get_receipt_file(page_request: Given[PageRequest]) -> Response[Any]:
    """The file that a download card gives."""
    return send_answer_file(page_request.request, page_request.query("token", most=1_000))


@form_post(f"{card_addresses.RECEIPT}/delete", PUBLIC)
def delete_own(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Have it deleted."""
    del form
    token = page_request.query("token", most=1_000)
    page_request.transact(lambda uow: erase_own(uow, page_request.services.signer, token))
    return page_request.redirect(card_addresses.receipt(token), notice="card_answer_deleted")


@page("/seller/videos/{video_id:uuid}/response-cards/new", WRITE)
def show_new(video_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """The form of a new card."""
    return page_request.render(new_view(page_request, video_id, {}))


@form_post("/seller/videos/{video_id:uuid}/response-cards/new", WRITE)
def add(video_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Put it on the video."""
    try:
        command = card_of(page_request, form)
        made = page_request.transact(lambda uow: add_card(uow, video_id, command).id)
    except DomainError as refused:
        view = new_view(page_request, video_id, typed_in(form))
        return page_request.render(replace(view, **refusal(page_request, refused)), status=refused.status)
    if command.kind == "download":
        # It opens nothing before its file is there.
        return page_request.redirect(card_addresses.edit_card(made), notice="card_saved")
    return page_request.redirect(addresses.seller_video(str(video_id)), notice="card_saved")


@page("/seller/response-cards/{card_id:uuid}", WRITE)
def show_edit(card_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """The editor of a card, with its funnel."""
    return page_request.render(edit_view(page_request, card_id))


@form_post("/seller/response-cards/{card_id:uuid}", WRITE)
def change(card_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Say otherwise what it says."""
    try:
        command = card_of(page_request, form)
        page_request.transact(lambda uow: change_card(uow, card_id, command).id)
    except DomainError as refused:
        view = edit_view(page_request, card_id, typed_in(form))
        return page_request.render(replace(view, **refusal(page_request, refused)), status=refused.status)
    return page_request.redirect(card_addresses.edit_card(card_id), notice="card_saved")


@form_post("/seller/response-cards/{card_id:uuid}/file", WRITE, file_bytes=MAX_BYTES)
def put_file(card_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Give a download its file."""
    try:
        store_card_file(page_request.request, card_id, form.file("file"))
    except NotFound:
        raise
    except DomainError as refused:
        view = replace(edit_view(page_request, card_id), error=failure(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(card_addresses.edit_card(card_id), notice="card_saved")


@form_post("/seller/response-cards/{card_id:uuid}/remove", WRITE)
def remove(card_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Take it off. Pressed twice, the video is shown as it is."""
    del form
    view = edit_view(page_request, card_id)
    page_request.transact(lambda uow: remove_card(uow, card_id))
    return page_request.redirect(view.video, notice="card_removed")


@page(card_addresses.RESPONSES, MANAGE)
def show_responses(page_request: Given[PageRequest]) -> Answer:
    """What came in, the newest first; with `card` of one card alone."""
    asked, chosen = page_request.query("state", most=20), page_request.query("card", most=36)
    state = asked if asked in STATES else ""
    card_id = None
    with suppress(ValueError):
        card_id = UUID(chosen) if chosen else None
    with page_request.work() as uow:
        cursor = page_request.query("cursor", most=200) or None
        found = list_responses(uow, cursor=cursor, state=state or None, card_id=card_id)
    path = addresses.with_query(card_addresses.RESPONSES, card=chosen) if card_id else card_addresses.RESPONSES
    csv = addresses.with_query(
        card_addresses.RESPONSES_CSV, state=state or None, card_id=str(card_id) if card_id else None
    )
    rows = tuple(_item(page_request, row) for row in found.items)
    more = addresses.next_page(
        card_addresses.RESPONSES, found.next_cursor, state=state, card=chosen if card_id else None
    )
    return page_request.render(ResponsesView(path, STATES, state, rows, csv, addresses.SELLER_VIDEOS, more))


@page("/seller/card-responses/{response_id:uuid}", MANAGE)
def show_response(response_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One of them."""
    return page_request.render(_response_view(page_request, response_id))


@form_post("/seller/card-responses/{response_id:uuid}", MANAGE)
def work(response_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Say where it stands, and keep a note."""
    note = form.values.get("note", "")[:5_000]
    try:
        state = form.text("state", most=20)
        command = WorkResponse(response_id, state if state in STATES else None, note)
        page_request.transact(lambda uow: work_response(uow, command).id)
    except NotFound:
        raise
    except DomainError as refused:
        view = replace(_response_view(page_request, response_id), note=note, **refusal(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(card_addresses.response(response_id), notice="card_response_saved")


@form_post("/seller/card-responses/{response_id:uuid}/erase", MANAGE)
def erase(response_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Delete what is personal in it."""
    del form
    page_request.transact(lambda uow: erase_response(uow, response_id))
    return page_request.redirect(card_addresses.response(response_id), notice="card_answer_deleted")


def _answer_view(page_request: PageRequest, card_id: UUID, typed: dict[str, str], second: int) -> AnswerView:
    with page_request.work() as uow:
        card = get_card_page(uow, card_id)
    person = page_request.signed_in
    known = {"name": person.person_name} if person else {}
    return AnswerView(
        card=card,
        address=card_addresses.card(card_id),
        video=addresses.video(str(card.video_id), second or None),
        title=page_request.pick(card.title, card.title_en),
        text=page_request.pick(card.text, card.text_en),
        consent=page_request.pick(card.consent_zh, card.consent_en),
        typed=known | typed,
        second=second,
        signed_in=person is not None,
        is_closed=card.closes_at is not None and card.closes_at <= clock.now(),
    )


def _item(page_request: PageRequest, row: ResponseRow) -> ResponseItem:
    who = row.name or page_request.t("cards.erased")
    title = page_request.pick(row.title, row.title_en)
    return ResponseItem(card_addresses.response(row.id), row.kind, title, who, row.state, row.created_at)


def _response_view(page_request: PageRequest, response_id: UUID) -> ResponseView:
    with page_request.work() as uow:
        row = get_response(uow, response_id)
    states = tuple(one for one in STATES if CARD_RESPONSE.allows(row.state, one))
    said = tuple((name, getattr(row, name)) for name in TYPED if getattr(row, name))
    return ResponseView(
        row,
        page_request.pick(row.title, row.title_en),
        card_addresses.response(response_id),
        card_addresses.response(response_id, "/erase"),
        card_addresses.RESPONSES,
        addresses.seller_video(str(row.video_id)),
        states,
        row.note,
        said,
    )


routes = [
    show_card,
    send_answer,
    show_sent,
    show_receipt,
    get_receipt_file,
    delete_own,
    show_new,
    add,
    show_edit,
    change,
    put_file,
    remove,
    show_responses,
    show_response,
    work,
    erase,
]
