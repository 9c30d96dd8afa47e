"""Chinese tax invoices (数电票) on pages: asked for, downloaded, booked, and taken back by red letters."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.fapiao.views import (
    BillItem,
    FapiaoItem,
    FapiaoPage,
    FapiaoRequestItem,
    HeldRefundItem,
    NewFapiaoView,
    RedLetterItem,
    SellerFapiaoPage,
)
from api.pages.frame import addresses
from api.pages.frame.codes import in_words
from api.pages.frame.phrases import failure, money
from api.pages.frame.seller_access import require_issuer
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.v1.fapiaos import ASK, READ, SELLS
from api.v1.held_refunds import BUY
from billing.fapiao.held_refunds import HeldRefundRow, list_held_refunds
from billing.fapiao.queries import (
    FapiaoRequestRow,
    FapiaoRow,
    FapiaoSide,
    RedLetterRow,
    list_fapiao_requests,
    list_red_letters,
)
from billing.fapiao.red_letters import DECISIONS, decide_red_letter, use_fapiao
from billing.fapiao.request_fapiao import BILLS_MOST, RequestFapiao, request_fapiao, retry_fapiao
from billing.invoices.queries import get_invoice
from kernel.errors import DomainError, NotFound
from orders.refunds.held import withdraw_held_refund

Answer = Response[str] | Response[bytes]
PAGE: Final = 20
LETTERS: Final = 30
PAGES: Final[dict[FapiaoSide, type[FapiaoPage]]] = {"buyer": FapiaoPage, "seller": SellerFapiaoPage}


@page(addresses.fapiao.FAPIAO, READ)
def show_fapiao(page_request: Given[PageRequest]) -> Answer:
    """What the organization asked for as a buyer."""
    return page_request.render(_page(page_request, "buyer"))


@page(addresses.fapiao.SELLER_FAPIAO, SELLS)
def show_sellers_fapiao(page_request: Given[PageRequest]) -> Answer:
    """What customers asked the organization for: a seller, or the platform for what it sells itself."""
    require_issuer(page_request)
    return page_request.render(_page(page_request, "seller"))


@page(addresses.fapiao.NEW, ASK)
def show_new_fapiao(page_request: Given[PageRequest]) -> Answer:
    """The form for the bills that were chosen in the list."""
    chosen = page_request.request.query_params.getall("id", [])
    return page_request.render(_new(page_request, ",".join(chosen[:BILLS_MOST])))


@form_post(addresses.fapiao.FAPIAO, ASK)
def ask(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Ask for them. Sent twice, the second time says that they were asked for."""
    ids, kind, remarks = form.text("ids", most=2_000), form.text("kind", most=20), form.text("remarks", most=500)
    command = RequestFapiao(_ids(ids), "special" if kind == "special" else "ordinary", remarks)
    try:
        page_request.transact(lambda uow: request_fapiao(uow, command, page_request.services.fapiao_issuer).id)
    except NotFound:
        raise
    except DomainError as refused:
        view = _new(page_request, ids, kind=command.kind, remarks=remarks, error=failure(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.fapiao.FAPIAO, notice="fapiao_asked")


@form_post("/fapiao/requests/{fapiao_request_id:uuid}/retry", ASK)
def retry(fapiao_request_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Ask the issuer again."""
    remarks = form.text("remarks", most=500)
    return _act(page_request, "buyer", lambda uow: retry_fapiao(uow, fapiao_request_id, remarks), "fapiao_asked")


@form_post("/fapiao/{fapiao_id:uuid}/use", ASK)
def use(fapiao_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Say that it was booked."""
    del form
    return _act(page_request, "buyer", lambda uow: use_fapiao(uow, fapiao_id), "fapiao_used")


@form_post("/red-letters/{red_letter_id:uuid}", ASK)
def decide(red_letter_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Say what one's side says of a red letter."""
    said = form.text("decision", most=20)
    decision = next((one for one in DECISIONS if one == said), None)
    if decision is None:
        raise NotFound("red_letter_not_found")
    side: FapiaoSide = "seller" if form.text("side", most=10) == "seller" else "buyer"
    return _act(page_request, side, lambda uow: decide_red_letter(uow, red_letter_id, decision), "red_letter_said")


@form_post("/held-refunds/{refund_id:uuid}/withdraw", BUY)
def withdraw_held(refund_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Let a refund be that waits."""
    del form
    return _act(page_request, "buyer", lambda uow: withdraw_held_refund(uow, refund_id), "held_refund_withdrawn")


def _act(page_request: PageRequest, side: FapiaoSide, work: object, notice: str) -> Answer:
    try:
        page_request.transact(work)  # type: ignore[arg-type]
    except NotFound:
        raise
    except DomainError as refused:
        view = _page(page_request, side, error=failure(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.fapiao.side(side), notice=notice)


def _ids(text: str) -> list[UUID]:
    return [parse_uuid_or_404(one, "invoice_not_found") for one in text.split(",") if one][: BILLS_MOST + 1]


def _new(
    page_request: PageRequest, ids: str, *, kind: str = "ordinary", remarks: str = "", error: str = ""
) -> NewFapiaoView:
    with page_request.work() as uow:
        found = [get_invoice(uow, invoice_id) for invoice_id in dict.fromkeys(_ids(ids))]
    issuer = page_request.services.fapiao_issuer
    return NewFapiaoView(
        bills=tuple(
            BillItem(
                str(one.row.id),
                one.row.number or "–",
                one.row.seller_name,
                one.row.order_number,
                money(one.row.gross_minor - sum(note.gross_minor for note in one.credit_notes), one.row.currency),
            )
            for one in found
        ),
        title=f"{found[0].buyer.legal_name} {found[0].buyer.tax_id}".strip() if found else "",
        kind=kind,
        remarks=remarks,
        sandbox=issuer is None or issuer.sandbox,
        error=error,
    )


def _page(page_request: PageRequest, side: FapiaoSide, *, error: str = "") -> FapiaoPage:
    cursor = page_request.query("cursor", most=200) or None
    with page_request.work() as uow:
        found = list_fapiao_requests(uow, side=side, cursor=cursor, limit=PAGE)
        letters = list_red_letters(uow, side=side, limit=LETTERS)
        held = list_held_refunds(uow, side=side, limit=LETTERS)
    acts, signed_in = page_request.principal.may(ASK), page_request.signed_in
    own_sale = side == "seller" and signed_in is not None and signed_in.organization.is_platform
    may_withdraw = side == "buyer" and page_request.principal.may(BUY)
    return PAGES[side](
        letters=tuple(_letter(page_request, one, acts=acts, own_sale=own_sale) for one in letters.items),
        requests=tuple(_request(page_request, one, side, acts=acts) for one in found.items),
        next_address=addresses.next_page(addresses.fapiao.side(side), found.next_cursor),
        error=error,
        held=tuple(held_item(one, may_withdraw=may_withdraw) for one in held.items),
    )


def held_item(row: HeldRefundRow, *, may_withdraw: bool = False) -> HeldRefundItem:
    """A refund that waits, as a row of a page."""
    return HeldRefundItem(
        id=str(row.id),
        amount=money(row.amount_minor, row.currency),
        reason="" if row.automatic else row.reason,
        held_at=row.held_at,
        waits_for=row.waits_for,
        until=row.until,
        goes_at=row.goes_at,
        address=addresses.trace(str(row.id)),
        may_be_withdrawn=may_withdraw and not row.automatic and not row.issuing,
    )


def _request(page_request: PageRequest, row: FapiaoRequestRow, side: FapiaoSide, *, acts: bool) -> FapiaoRequestItem:
    buys = side == "buyer"
    return FapiaoRequestItem(
        id=str(row.id),
        state=row.state,
        kind=row.kind,
        other=row.seller_name if buys else row.buyer_name,
        title=f"{row.buyer_name} {row.buyer_tax_id}".strip(),
        gross=money(row.gross_minor, row.currency),
        remarks=row.remarks,
        bills=row.bills,
        sandbox=row.sandbox,
        reason=in_words(page_request.language, row.failure_code) if row.failure_code else "",
        documents=tuple(_document(one, acts=acts and buys) for one in row.documents),
        trail=tuple((step.state, step.at) for step in row.trail),
        may_retry=buys and acts and row.state == "failed",
    )


def _document(row: FapiaoRow, *, acts: bool) -> FapiaoItem:
    is_red = row.direction == "red"
    return FapiaoItem(
        id=str(row.id),
        number=row.number or "",
        is_red=is_red,
        issued_on=row.issued_on,
        gross=money(-row.gross_minor if is_red else row.gross_minor, row.currency),
        is_used=row.used_at is not None,
        may_be_used=acts and not is_red and row.number is not None and row.used_at is None,
    )


def _letter(page_request: PageRequest, row: RedLetterRow, *, acts: bool, own_sale: bool) -> RedLetterItem:
    return RedLetterItem(
        id=str(row.id),
        state=row.state,
        official=row.official,
        other=row.seller_name if row.side == "buyer" else row.buyer_name,
        number=row.number or "",
        fapiao_number=row.fapiao_number,
        red_number=row.red_number or "",
        gross=money(-row.gross_minor, row.currency),
        reason=in_words(page_request.language, row.failure_code) if row.failure_code else "",
        expires_at=row.expires_at,
        acts=row.may_say if acts else (),
        # The refund of what the platform sold itself is its buyer's and its seller's to see.
        note_address=addresses.trace(str(row.note_id or row.refund_id)) if row.note_id or not own_sale else "",
        for_refund=row.note_id is None,
    )


routes = [show_fapiao, show_sellers_fapiao, show_new_fapiao, ask, retry, use, decide, withdraw_held]
