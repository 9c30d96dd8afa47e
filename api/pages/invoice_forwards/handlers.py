"""Documents sent on to an address outside, on pages: chosen in the list, sent, taken back, and opened by the mail's link."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath
from litestar.response import Stream

from api.auth import PUBLIC
from api.pages.frame import addresses
from api.pages.frame.phrases import failure, money
from api.pages.frame.site import NOT_INDEXED, Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.invoice_forwards.views import ForwardableItem, ForwardedView, ForwardItem, ForwardsView, NewForwardView
from api.schema import run_command
from api.v1.invoice_forwards import (
    READ,
    InvoiceForwardIn,
    InvoiceForwardOut,
    forwarded_answer,
    shown_forwarded,
)
from billing.invoice_forwards.forward_documents import (
    LASTS,
    MOST,
    PERMISSION,
    ForwardDocuments,
    forward_documents,
    revoke_forward,
)
from billing.invoice_forwards.queries import forward_rows, list_forwards
from billing.invoices.queries import InvoiceRow, list_chosen
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, NotFound
from kernel.ids import uuid7

Answer = Response[str] | Response[bytes]
PAGE: Final = 30
IDS_LONGEST: Final = 37 * MOST


@page(addresses.fapiao.FORWARD, PERMISSION)
def show_new_forward(page_request: Given[PageRequest]) -> Answer:
    """The form for the documents that were chosen in the list."""
    chosen = page_request.request.query_params.getall("id", [])
    return page_request.render(_new(page_request, ",".join(chosen[:MOST])))


@form_post(addresses.fapiao.FORWARDS, PERMISSION)
def send(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Send them on. Sent twice by one form, it is one mail."""
    ids, to = form.text("ids", most=IDS_LONGEST), form.text("to", most=254)
    asked = InvoiceForwardIn.model_construct(to=to, invoice_ids=_ids(ids))

    def work(uow: UnitOfWork) -> InvoiceForwardOut:
        made = forward_documents(uow, ForwardDocuments(asked.invoice_ids, to))
        return InvoiceForwardOut.of(forward_rows(uow, made)[0])

    try:
        key = form.text("idempotency_key", most=255) or None
        run_command(page_request.request, key, asked, work, route=f"POST {addresses.fapiao.FORWARDS}")
    except NotFound:
        raise
    except DomainError as refused:
        wrong = getattr(refused, "field", None) or ""
        view = _new(page_request, ids, to=to, error=failure(page_request, refused), error_field=wrong)
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.fapiao.FORWARDS, notice="invoices_forwarded")


@page(addresses.fapiao.FORWARDS, READ)
def show_forwards(page_request: Given[PageRequest]) -> Answer:
    """What the organization sent on."""
    with page_request.work() as uow:
        found = list_forwards(uow, cursor=page_request.query("cursor", most=200) or None, limit=PAGE)
    rows = tuple(
        ForwardItem(
            str(one.id),
            one.to_address,
            one.sent_by or page_request.t("forward.by_key"),
            one.documents,
            next(iter(one.numbers), ""),
            one.state,
            one.created_at,
            one.expires_at,
        )
        for one in found.items
    )
    onward = addresses.next_page(addresses.fapiao.FORWARDS, found.next_cursor)
    return page_request.render(ForwardsView(rows, page_request.principal.may(PERMISSION), onward))


@form_post("/invoices/forwards/{forward_id:uuid}/revoke", PERMISSION)
def revoke(forward_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Let a link open nothing any more."""
    del form
    page_request.transact(lambda uow: revoke_forward(uow, forward_id).id)
    return page_request.redirect(addresses.fapiao.FORWARDS, notice="forward_revoked")


@page(addresses.fapiao.FORWARDED, PUBLIC)
def show_forwarded(page_request: Given[PageRequest]) -> Answer:
    """What the link in a mail opens, for whoever holds it."""
    token = page_request.query("token", most=1_000)
    found = shown_forwarded(page_request.request, token)
    documents = tuple(_item(row) for row in found.documents)
    view = ForwardedView(found.organization, found.expires_at, documents, token)
    return page_request.render(view, headers=NOT_INDEXED)


@form_post(addresses.fapiao.FORWARDED_FILES, PUBLIC)
def download(page_request: Given[PageRequest], form: Given[Form]) -> Stream:
    """Its files: all as one ZIP, or one as PDF."""
    token, chosen = form.text("token", most=1_000), form.text("document", most=36)
    invoice_id = parse_uuid_or_404(chosen, "invoice_not_found") if chosen else None
    answer = forwarded_answer(page_request.request, token, invoice_id)
    answer.status_code = 200
    return answer


def _new(
    page_request: PageRequest, ids: str, *, to: str = "", error: str = "", error_field: str = ""
) -> NewForwardView:
    with page_request.work() as uow:
        rows = list_chosen(uow, _ids(ids))
    return NewForwardView(tuple(_item(row) for row in rows), LASTS.days, str(uuid7()), to, error, error_field)


def _item(row: InvoiceRow) -> ForwardableItem:
    sign = -1 if row.kind == "credit_note" else 1
    return ForwardableItem(
        str(row.id),
        row.number or "–",
        row.seller_name,
        row.issued_on,
        money(sign * row.gross_minor, row.currency),
        row.has_pdf,
    )


def _ids(text: str) -> list[UUID]:
    return [parse_uuid_or_404(one, "invoice_not_found") for one in text.split(",") if one][: MOST + 1]


routes = [show_new_forward, send, show_forwards, revoke, show_forwarded, download]
