"""Each side reads its disputes and says its part; the operator names lines and tells the bank."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.dispute_documents import take_document
from api.pages.disputes.presenter import NOTHING_TYPED, DisputeTyped, dispute_page, dispute_row
from api.pages.disputes.views import LISTS
from api.pages.frame import addresses
from api.pages.frame.amounts import typed_amount
from api.pages.frame.site import Form, PageRequest, form_post, page
from billing.disputes.submit_evidence import MAX_TEXT
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, NotFound
from orders.disputes.assign import assign_lines
from orders.disputes.queries import assignable_lines, get_dispute, list_cases, list_open_cases
from orders.disputes.say import MAX_DOCUMENT_BYTES, SayAboutDispute, Side, say_about_dispute
from orders.disputes.submit import TellBank, tell_bank

Answer = Response[str] | Response[bytes]
READ, BUY, SEES, ANSWERS, OPERATES, SENDS = (
    "orders.read",
    "orders.buy",
    "money.read",
    "billing.manage",
    "operator.read",
    "operator.payouts",
)
MAX_WORDS_TYPED = 4_000
_PAGE = 20


@page(addresses.disputes.BUYER, READ)
def show_bought(page_request: Given[PageRequest]) -> Answer:
    """The buyer's, newest first."""
    return _list(page_request, "buyer")


@page(addresses.disputes.SELLER, SEES)
def show_sold(page_request: Given[PageRequest]) -> Answer:
    """The seller's, newest first."""
    return _list(page_request, "seller")


@page(addresses.disputes.OPERATOR, OPERATES)
def show_open(page_request: Given[PageRequest]) -> Answer:
    """What banks are deciding, the nearest deadline first."""
    with page_request.work() as uow:
        found = list_open_cases(uow, cursor=page_request.query("cursor", most=200) or None, limit=_PAGE)
    rows = tuple(dispute_row("operator", one) for one in found.items)
    following = addresses.next_page(addresses.disputes.OPERATOR, found.next_cursor)
    return page_request.render(LISTS["operator"]("operator", rows, following))


@page("/disputes/{dispute_id:uuid}", READ)
def show_bought_one(dispute_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One of the buyer's."""
    return page_request.render(dispute_page(page_request, dispute_id, "buyer"))


@page("/seller/disputes/{dispute_id:uuid}", SEES)
def show_sold_one(dispute_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One of the seller's."""
    return page_request.render(dispute_page(page_request, dispute_id, "seller"))


@page("/operator/disputes/{dispute_id:uuid}", OPERATES)
def show_any(dispute_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """Anybody's, with what the bank is told."""
    return page_request.render(dispute_page(page_request, dispute_id, None))


@form_post("/disputes/{dispute_id:uuid}/words", BUY)
def say_as_buyer(dispute_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Say something about it, or let it be."""
    return _say(page_request, form, dispute_id, "buyer")


@form_post("/seller/disputes/{dispute_id:uuid}/words", ANSWERS)
def say_as_seller(dispute_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Say what speaks for the sale."""
    return _say(page_request, form, dispute_id, "seller")


@form_post("/disputes/{dispute_id:uuid}/documents", BUY, file_bytes=MAX_DOCUMENT_BYTES)
def show_as_buyer(dispute_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Show a document."""
    return _upload(page_request, form, dispute_id, "buyer")


@form_post("/seller/disputes/{dispute_id:uuid}/documents", ANSWERS, file_bytes=MAX_DOCUMENT_BYTES)
def show_as_seller(dispute_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Show a document."""
    return _upload(page_request, form, dispute_id, "seller")


@form_post("/operator/disputes/{dispute_id:uuid}/lines", SENDS)
def name_lines(dispute_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Say which lines it is about."""
    typed = {name: form.text(name, most=40) for name in form.values if name.startswith("line-")}

    def work(uow: UnitOfWork) -> None:
        dispute = get_dispute(uow, dispute_id, side=None)
        known = {f"line-{line.line_id}": line.line_id for line in assignable_lines(uow, dispute_id)}
        lines = {}
        for name, written in typed.items():
            amount_minor = typed_amount(written, dispute.currency, field="lines", code="amount_unreadable")
            line_id = known.get(name)
            if amount_minor and line_id is not None:
                lines[line_id] = amount_minor
        assign_lines(uow, dispute_id, lines)

    return _do(
        page_request,
        dispute_id,
        None,
        lambda: page_request.transact(work),
        "dispute_assigned",
        DisputeTyped(lines=typed),
    )


@form_post("/operator/disputes/{dispute_id:uuid}/evidence", SENDS)
def send_evidence(dispute_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Tell the bank. Pressed twice, it is told once."""
    text = form.text("text", most=2 * MAX_TEXT)
    chosen = [name.removeprefix("document-") for name in form.values if name.startswith("document-")]

    def work() -> None:
        command = TellBank(dispute_id, text, _ids(chosen))
        page_request.transact(lambda uow: tell_bank(uow, command))

    return _do(page_request, dispute_id, None, work, "dispute_evidence_sent", DisputeTyped(text=text, chosen=chosen))


def _ids(written: Sequence[str]) -> list[UUID]:
    try:
        return [UUID(one) for one in written]
    except ValueError as error:
        raise NotFound("dispute_evidence_not_found") from error


def _say(page_request: PageRequest, form: Form, dispute_id: UUID, side: Side) -> Answer:
    words, withdraws = form.text("words", most=MAX_WORDS_TYPED), form.text("withdraws", most=5) == "yes"
    command = SayAboutDispute(dispute_id, side, words, withdraws)

    def work() -> None:
        page_request.transact(lambda uow: say_about_dispute(uow, command))

    return _do(page_request, dispute_id, side, work, "dispute_words_kept", DisputeTyped(words, withdraws))


def _upload(page_request: PageRequest, form: Form, dispute_id: UUID, side: Side) -> Answer:
    def work() -> None:
        take_document(page_request.request, dispute_id, side, form.file("file"))

    return _do(page_request, dispute_id, side, work, "dispute_document_kept")


def _do(
    page_request: PageRequest,
    dispute_id: UUID,
    side: Side | None,
    work: Callable[[], object],
    notice: str,
    typed: DisputeTyped = NOTHING_TYPED,
) -> Answer:
    try:
        work()
    except DomainError as refused:
        if isinstance(refused, NotFound) and refused.code == "dispute_not_found":
            raise
        view = dispute_page(page_request, dispute_id, side, typed, refused)
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.disputes.one_of(side or "operator", str(dispute_id)), notice=notice)


def _list(page_request: PageRequest, side: Side) -> Answer:
    at = addresses.disputes.BUYER if side == "buyer" else addresses.disputes.SELLER
    with page_request.work() as uow:
        found = list_cases(uow, side=side, cursor=page_request.query("cursor", most=200) or None, limit=_PAGE)
    rows = tuple(dispute_row(side, one) for one in found.items)
    return page_request.render(LISTS[side](side, rows, addresses.next_page(at, found.next_cursor)))


routes = [
    show_bought,
    show_sold,
    show_open,
    show_bought_one,
    show_sold_one,
    show_any,
    say_as_buyer,
    say_as_seller,
    show_as_buyer,
    show_as_seller,
    name_lines,
    send_evidence,
]
