"""Money asked back after the window, on pages: the buyer asks, the seller decides, the operator decides for good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.amounts import typed_amount
from api.pages.frame.phrases import failure, money, titles
from api.pages.frame.prices import amount_as_typed
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.refund_cases.presenter import case_item, case_page
from api.pages.refund_cases.views import (
    OperatorRefundCasesView,
    RefundAskView,
    RefundCasePage,
    RefundCasesView,
    SellerRefundCasesView,
    Side,
)
from api.problems import headers_of
from api.v1.refund_cases import BUY, DECIDES, READ, SEES, show_evidence
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, NotFound
from marketplace.onboarding.legal_document import MAX_BYTES
from orders import queries
from orders.refunds.ask_refund import (
    MAX_WORDS,
    SELLER_DECIDES,
    AskForRefund,
    ask_refund,
    askable_minor,
    escalate_refund,
    withdraw_refund,
    words,
)
from orders.refunds.decide_refund import DecideRefund, answer_credit, answer_refund, decide_refund
from orders.refunds.models import OPEN, REFUND_CASE
from orders.refunds.queries import RefundCaseView, cases_of_order, get_refund_case, list_escalated, list_refund_cases

Answer = Response[str] | Response[bytes]
PAGE = 30
STATES = tuple(REFUND_CASE.edges)
UNREADABLE = "amount_unreadable"
TYPED = 4_000
"""Of words that are kept when they are refused; twice what is taken, so that whoever wrote too much loses little."""


@page("/orders/{order_id:uuid}/refund-case", BUY)
def show_form(order_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """What can be asked back of an order; where nothing can, the request that is open, or the order."""
    view = _form(page_request, order_id)
    if view is not None:
        return page_request.render(view)
    case = _open_case(page_request, order_id)
    return page_request.redirect(
        addresses.refunds.case("buyer", str(case.id)) if case else addresses.order(str(order_id))
    )


@form_post("/orders/{order_id:uuid}/refund-case", BUY)
def ask(order_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Ask the seller. Pressed twice, the second leads to what the first asked."""
    typed, reason = form.values.get("amount", "")[:40], form.values.get("reason", "")[:TYPED]
    with page_request.work() as uow:
        currency = queries.get_order(uow, order_id).currency.strip()
    command = AskForRefund(order_id, None, reason, as_credit="as_credit" in form.values)
    try:
        command = replace(command, amount_minor=typed_amount(typed, currency, field="amount_minor", code=UNREADABLE))
        case_id = page_request.transact(lambda uow: ask_refund(uow, command).id)
    except NotFound:
        raise
    except DomainError as refused:
        same = _open_case(page_request, order_id) if refused.code == "refund_already_asked" else None
        if same is not None and _asks_alike(command, same):
            return page_request.redirect(addresses.refunds.case("buyer", str(same.id)))
        view = _form(page_request, order_id, anyway=True)
        assert view is not None  # noqa: S101 - it is shown anyway
        said, field = failure(page_request, refused), getattr(refused, "field", None) or ""
        return page_request.render(
            replace(view, amount=typed, reason=reason, as_credit=command.as_credit, error=said, error_field=field),
            status=refused.status,
        )
    return page_request.redirect(addresses.refunds.case("buyer", str(case_id)), notice="refund_case_asked")


@page(addresses.refunds.CASES, READ)
def show_own_cases(page_request: Given[PageRequest]) -> Answer:
    """What the organization asked back, newest first; `state` narrows it."""
    return page_request.render(_list(page_request, RefundCasesView, addresses.refunds.CASES))


@page(addresses.refunds.SELLER_CASES, SEES)
def show_sold_cases(page_request: Given[PageRequest]) -> Answer:
    """What customers asked back, newest first; `state` narrows it."""
    require_seller(page_request)
    return page_request.render(_list(page_request, SellerRefundCasesView, addresses.refunds.SELLER_CASES))


@page(addresses.refunds.OPERATOR_CASES, "operator.read")
def show_escalated(page_request: Given[PageRequest]) -> Answer:
    """What waits for the operator, the longest first."""
    with page_request.work() as uow:
        found = list_escalated(uow, cursor=page_request.query("cursor", most=200) or None, limit=PAGE)
    rows = tuple(case_item(page_request, one, "operator") for one in found.items)
    more = addresses.next_page(addresses.refunds.OPERATOR_CASES, found.next_cursor)
    return page_request.render(OperatorRefundCasesView(rows, next_address=more))


@page("/refund-cases/{case_id:uuid}", READ)
def show_own_case(case_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One of the organization's own."""
    return page_request.render(_case(page_request, case_id, "buyer"))


@page("/seller/refund-cases/{case_id:uuid}", SEES)
def show_sold_case(case_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One about a sale."""
    return page_request.render(_case(page_request, case_id, "seller"))


@page("/operator/refund-cases/{case_id:uuid}", "operator.read")
def show_any_case(case_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One of anybody's, in any state."""
    return page_request.render(_case(page_request, case_id, "operator"))


@form_post("/refund-cases/{case_id:uuid}/escalate", BUY)
def escalate(case_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Take the seller's refusal to the operator. Pressed twice, it is there."""
    appeal = form.values.get("appeal", "")[:TYPED]

    def work(uow: UnitOfWork) -> None:
        escalate_refund(uow, case_id, appeal)

    return _acted(page_request, case_id, "buyer", work, "escalate", words=appeal)


@form_post("/refund-cases/{case_id:uuid}/credit", BUY)
def answer_offered(case_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Take the credit that is offered, or insist on money. Pressed twice, it is answered once."""
    accept = form.text("answer", most=10) == "accept"

    def work(uow: UnitOfWork) -> None:
        answer_credit(uow, case_id, accept=accept)

    return _acted(page_request, case_id, "buyer", work, "credit")


@form_post("/refund-cases/{case_id:uuid}/withdraw", BUY)
def withdraw(case_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Let it be. Pressed twice, it is withdrawn."""
    del form

    def work(uow: UnitOfWork) -> None:
        withdraw_refund(uow, case_id)

    return _acted(page_request, case_id, "buyer", work, "withdraw")


@form_post("/seller/refund-cases/{case_id:uuid}/decide", DECIDES)
def answer(case_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Grant it, in part too, or refuse it. Pressed twice, it is decided once."""
    return _decided(page_request, case_id, form, "seller", answer_refund)


@form_post("/operator/refund-cases/{case_id:uuid}/decide", "operator.payouts")
def decide(case_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Decide for good. Pressed twice, it is decided once."""
    return _decided(page_request, case_id, form, "operator", decide_refund)


@form_post("/refund-cases/{case_id:uuid}/evidence", BUY, file_bytes=MAX_BYTES)
def show_as_buyer(case_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Show a document. The same once more changes nothing."""
    return _shown(page_request, case_id, form, "buyer")


@form_post("/seller/refund-cases/{case_id:uuid}/evidence", DECIDES, file_bytes=MAX_BYTES)
def show_as_seller(case_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Show a document. The same once more changes nothing."""
    return _shown(page_request, case_id, form, "seller")


def _list(page_request: PageRequest, view: type[RefundCasesView], path: str) -> RefundCasesView:
    asked = page_request.query("state", most=20)
    state = asked if asked in STATES else ""
    with page_request.work() as uow:
        cursor = page_request.query("cursor", most=200) or None
        found = list_refund_cases(uow, side=view.side, state=state or None, cursor=cursor, limit=PAGE)
    rows = tuple(case_item(page_request, one, view.side) for one in found.items)
    return view(rows, STATES, state, addresses.next_page(path, found.next_cursor, state=state))


def _case(page_request: PageRequest, case_id: UUID, side: Side) -> RefundCasePage:
    with page_request.work() as uow:
        case = get_refund_case(uow, case_id, side=None if side == "operator" else side)
    return case_page(page_request, case, side)


def _decided(
    page_request: PageRequest,
    case_id: UUID,
    form: Form,
    side: Literal["seller", "operator"],
    verb: Callable[[UnitOfWork, DecideRefund], object],
) -> Answer:
    said_of: dict[str, Literal["grant", "credit"]] = {"grant": "grant", "credit": "credit"}
    decision: Literal["grant", "refuse", "credit"] = said_of.get(form.text("decision", most=10), "refuse")
    typed, said = form.values.get("amount", "")[:40], form.values.get("words", "")[:TYPED]
    currency = _case(page_request, case_id, side).asked.currency

    def work(uow: UnitOfWork) -> None:
        # A refusal grants nothing, whatever stands in the field beside it.
        amount_minor = (
            typed_amount(typed, currency, field="amount_minor", code=UNREADABLE) if decision != "refuse" else None
        )
        verb(uow, DecideRefund(case_id, decision, amount_minor, said))

    return _acted(page_request, case_id, side, work, "decide", amount=typed, words=said)


def _shown(page_request: PageRequest, case_id: UUID, form: Form, side: Literal["buyer", "seller"]) -> Answer:
    try:
        show_evidence(page_request.request, case_id, side, form.file("file"))
    except NotFound:
        raise
    except DomainError as refused:
        return _refused(page_request, case_id, side, "evidence", refused)
    return page_request.redirect(addresses.refunds.case(side, str(case_id)), notice="refund_case_shown")


def _acted(
    page_request: PageRequest,
    case_id: UUID,
    side: Side,
    work: Callable[[UnitOfWork], None],
    act: str,
    **typed: str,
) -> Answer:
    """Do `work` and come back to the case; a refusal is told there, with what was typed."""
    try:
        page_request.transact(work)
    except NotFound:
        raise
    except DomainError as refused:
        return _refused(page_request, case_id, side, act, refused, **typed)
    return page_request.redirect(addresses.refunds.case(side, str(case_id)), notice=f"refund_case_{act}")


def _refused(
    page_request: PageRequest, case_id: UUID, side: Side, act: str, refused: DomainError, **typed: str
) -> Answer:
    said, field = failure(page_request, refused), getattr(refused, "field", None) or ""
    view = replace(_case(page_request, case_id, side), refused=act, error=said, error_field=field, **typed)  # type: ignore[arg-type]  # fields of forms, by name
    return page_request.render(view, status=refused.status, headers=headers_of(refused))


def _asks_alike(command: AskForRefund, case: RefundCaseView) -> bool:
    """Whether a second press asked for what is open already."""
    amount_minor = case.asked_minor if command.amount_minor is None else command.amount_minor
    return (amount_minor, words("reason", command.reason)) == (case.asked_minor, case.reason)


def _open_case(page_request: PageRequest, order_id: UUID) -> RefundCaseView | None:
    with page_request.work() as uow:
        found = cases_of_order(uow, order_id, side="buyer")
    return next((one for one in found if one.state in OPEN), None)


def _form(page_request: PageRequest, order_id: UUID, *, anyway: bool = False) -> RefundAskView | None:
    """The form, None where nothing can be asked for unless it is shown `anyway`. Raises NotFound."""
    with page_request.work() as uow:
        order = queries.get_order(uow, order_id)
        left_minor = askable_minor(uow, order_id)
    if left_minor <= 0 and not anyway:
        return None
    return RefundAskView(
        order_id=str(order_id),
        order_number=order.number,
        what=titles(page_request, order.lines),
        seller_name=order.seller_name,
        most=money(left_minor or order.gross_minor, order.currency),
        days=SELLER_DECIDES.days,
        words_most=MAX_WORDS,
        amount=amount_as_typed(left_minor or order.gross_minor, order.currency),
    )


routes = [
    show_form,
    ask,
    show_own_cases,
    show_sold_cases,
    show_escalated,
    show_own_case,
    show_sold_case,
    show_any_case,
    escalate,
    answer_offered,
    withdraw,
    answer,
    decide,
    show_as_buyer,
    show_as_seller,
]
