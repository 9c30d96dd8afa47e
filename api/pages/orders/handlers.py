"""The buyer's orders: the list, one order with its line, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal, cast
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.feed.views import FeedClaim, verdict_of
from api.pages.frame import addresses, conversation_addresses, ticket_addresses
from api.pages.frame.choices import department_name
from api.pages.frame.discounts import discount_in_words
from api.pages.frame.partner_prices import tier_parts
from api.pages.frame.payment_methods import leads_payer, methods, parse_method
from api.pages.frame.phrases import agreed_terms, explained, failure, money, schedule, several, titles
from api.pages.frame.rendering import FlashMessage
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404, redirect
from api.pages.orders import papers, presenter
from api.pages.orders.presenter import OrderPageData
from api.pages.orders.resale_parts import resale_parts
from api.pages.orders.views import OrderItem, OrderPageLine, OrderPageView, OrdersView, PayerConfirmation
from api.pages.refund_cases.presenter import case_item
from api.pages.services.presenter import bought_milestones
from api.payer_action import payer_address
from api.v1.departments import ASSIGN
from api.v1.purchases import require_gateway
from billing.gateways.call import Submission
from billing.payments.queries import PaymentRow, awaiting_payer, latest_payment
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, DomainError, NotFound
from orders import queries
from orders.checkout.cancel_purchase import OPEN, cancel_purchase, is_cancellable
from orders.checkout.request_payment import pay_again
from orders.departments.assign_department import assign_purchase
from orders.milestones.cancel import cancel_overdue
from orders.milestones.decide import accept_milestone, ask_rework
from orders.order import views
from orders.order.accept_services import accept_order
from orders.refunds.ask_refund import askable_minor
from orders.refunds.refund_order import RequestOrderRefund, is_refundable, request_order_refund
from orders.tickets.work_ticket import may_have_tickets

STATES = ("pending_approval", "pending_payment", "fulfilling", "active", "completed", "refunded", "cancelled")
PAGE = 30
REFRESH_S = 5


@page(addresses.ORDERS, "orders.read")
def list_orders(page_request: Given[PageRequest]) -> Response[str]:
    """Orders, newest first; `state` and `q` (a number, a product, a seller) narrow them."""
    state = page_request.query("state") if page_request.query("state") in STATES else ""
    query = page_request.query("q")
    with page_request.work() as uow:
        found = queries.list_orders(
            uow,
            cursor=page_request.query("cursor", most=200) or None,
            limit=PAGE,
            state=state or None,
            text=query or None,
        )
        unpaid = {order.purchase_id for order in found.items if order.state == "pending_payment"}
        awaiting = awaiting_payer(uow, unpaid) if unpaid and page_request.principal.may("orders.buy") else set()
    more = addresses.next_page(addresses.ORDERS, found.next_cursor, state=state, q=query)
    rows = tuple(_row(page_request, order, awaiting) for order in found.items)
    return page_request.render(OrdersView(rows, STATES, state, query, more))


@page("/orders/{order_id:uuid}", "orders.read")
def show_order(order_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """One order, live while something is under way."""
    return _show(page_request, order_id)


@form_post("/orders/{order_id:uuid}/cancel", "orders.buy")
def cancel(order_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Ask for all the money back, within the refund window."""
    del form
    command = RequestOrderRefund(order_id, None, page_request.t("order.cancel_reason"))
    return _acted(page_request, order_id, lambda uow: request_order_refund(uow, command), "refund_asked")


@form_post("/orders/{order_id:uuid}/department", ASSIGN)
def choose_department(order_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Say whose spending its purchase is."""
    chosen = form.text("department_id", most=36)
    department_id = parse_uuid_or_404(chosen, "department_not_found") if chosen else None

    def work(uow: UnitOfWork) -> None:
        assign_purchase(uow, queries.get_order(uow, order_id).purchase_id, department_id)

    return _acted(page_request, order_id, work, "department_assigned")


@form_post("/orders/{order_id:uuid}/call-off", "orders.buy")
def call_off(order_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Call off the purchase of an order that is not paid yet. Pressed twice, the second finds it done."""
    del form
    return _acted(
        page_request,
        order_id,
        lambda uow: cancel_purchase(uow, queries.get_order(uow, order_id).purchase_id),
        "called_off",
    )


@form_post("/orders/{order_id:uuid}/accept", "orders.buy")
def accept(order_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Accept a delivered one-off service."""
    del form
    return _acted(page_request, order_id, lambda uow: accept_order(uow, order_id), "accepted")


@form_post("/orders/{order_id:uuid}/milestones/{milestone_id:uuid}/accept", "orders.buy")
def accept_one(
    order_id: FromPath[UUID], milestone_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[Any]:
    """Accept a delivered milestone. Pressed twice, the second finds it accepted."""
    version = form.number("version", least=1, most=10_000)
    return _decided(
        page_request,
        order_id,
        milestone_id,
        lambda uow: accept_milestone(uow, milestone_id, version=version),
        "milestone_accepted",
    )


@form_post("/orders/{order_id:uuid}/milestones/{milestone_id:uuid}/rework", "orders.buy")
def ask_for_rework(
    order_id: FromPath[UUID], milestone_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[Any]:
    """Have a milestone done again, saying what."""
    version, words = form.number("version", least=1, most=10_000), form.text("words", most=20_000)
    return _decided(
        page_request,
        order_id,
        milestone_id,
        lambda uow: ask_rework(uow, milestone_id, version=version, words=words),
        "milestone_rework",
        words,
    )


@form_post("/orders/{order_id:uuid}/milestones/{milestone_id:uuid}/cancel", "orders.buy")
def cancel_one(
    order_id: FromPath[UUID], milestone_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[Any]:
    """Wait no longer for a milestone that is long overdue."""
    del form
    return _decided(
        page_request, order_id, milestone_id, lambda uow: cancel_overdue(uow, milestone_id), "milestone_cancelled"
    )


@page("/orders/{order_id:uuid}/confirm", "orders.buy")
def confirm(order_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[Any]:
    """Lead the payer to where the gateway wants the payment confirmed; to the order where nothing is to be confirmed."""
    with page_request.work() as uow:
        payment = latest_payment(uow, queries.get_order(uow, order_id).purchase_id)
    waits = payment is not None and payment.state == "requires_action"
    address = payer_address(payment.next_action) if payment is not None and waits else None
    return redirect(address) if address else page_request.redirect(addresses.order(str(order_id)))


@form_post("/orders/{order_id:uuid}/pay", "orders.buy")
def pay(order_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Pay another way after a failed payment; while one is under way, nothing else is started."""
    begun: list[Submission] = []

    def work(uow: UnitOfWork) -> None:
        gateway, token = parse_method(form.text("payment_method_id", most=200))
        require_gateway(page_request.services, gateway)
        purchase_id = queries.get_order(uow, order_id).purchase_id
        begun.clear()
        try:
            submission = pay_again(uow, purchase_id, gateway=gateway, method_token=token, leased=True)
            begun.extend([submission] if submission is not None else [])
            uow.flush()
        except Conflict as refused:
            begun.clear()
            if refused.code != "payment_already_running":
                raise

    answer = _acted(page_request, order_id, work, "paying")
    for submission in begun:
        page_request.services.runner.run_prepared(submission.claim, submission.request)
        if leads_payer(page_request.services.gateways, submission.request.gateway):
            return page_request.redirect(addresses.order_confirm(str(order_id)))
    return answer


def _acted(
    page_request: PageRequest, order_id: UUID, work: Callable[[UnitOfWork], object], notice: str
) -> Response[Any]:
    """Do `work` and come back to the order; a refusal is told there."""
    try:
        page_request.transact(work)
    except NotFound:
        raise
    except DomainError as refused:
        return _show(page_request, order_id, refused)
    return page_request.redirect(addresses.order(str(order_id)), notice=notice)


def _decided(
    page_request: PageRequest,
    order_id: UUID,
    milestone_id: UUID,
    work: Callable[[UnitOfWork], object],
    notice: str,
    typed: str = "",
) -> Response[Any]:
    """As `_acted`, of one milestone: what is refused is told beside it, with what was typed."""
    try:
        page_request.transact(work)
    except NotFound:
        raise
    except DomainError as refused:
        with page_request.work() as uow:
            data = presenter.read(uow, order_id)
        view = _view(page_request, data, refundable=False, asks_back=False, typed={str(milestone_id): typed})
        view = replace(view, milestone_error=failure(page_request, refused), milestone_error_at=str(milestone_id))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.order(str(order_id)), notice=notice)


def _show(page_request: PageRequest, order_id: UUID, refused: DomainError | None = None) -> Response[str]:
    with page_request.work() as uow:
        data = presenter.read(uow, order_id)
        buys = page_request.principal.may("orders.buy")
        refundable = buys and is_refundable(uow, order_id)
        asks_back = buys and not refundable and data.may_ask_back and askable_minor(uow, order_id) > 0
        may_call_off = buys and data.order.state in OPEN and is_cancellable(uow, data.order.purchase_id)
    view = _view(page_request, data, refundable=refundable, asks_back=asks_back)
    view = replace(view, may_call_off=may_call_off, by_payer=data.waits_for_payer)
    if refused is not None:
        return page_request.render(
            view, status=refused.status, notice=FlashMessage("bad", failure(page_request, refused))
        )
    return page_request.render(view, refresh_s=REFRESH_S if view.live else 0)


def _row(page_request: PageRequest, order: views.OrderView, awaiting: set[UUID]) -> OrderItem:
    line = order.lines[0]
    accepts = order.awaits_acceptance and page_request.principal.may("orders.buy")
    pays = order.state == "pending_payment" and order.purchase_id in awaiting
    return OrderItem(
        id=str(order.id),
        number=order.number,
        listing_name=titles(page_request, order.lines),
        plan_name=page_request.pick(line.plan_name, line.plan_name_en) if len(order.lines) == 1 else "",
        counterparty=order.seller_name,
        quantity=line.quantity,
        gross=money(order.gross_minor, order.currency),
        state=order.state,
        placed_at=order.created_at,
        needs="accept" if accepts else "pay" if pays else "",
        lines=several(page_request, order.lines),
    )


def _view(
    page_request: PageRequest,
    data: OrderPageData,
    *,
    refundable: bool,
    asks_back: bool,
    typed: Mapping[str, str] | None = None,
) -> OrderPageView:
    order, line = data.order, data.order.lines[0]
    failed = order.state == "pending_payment" and data.payment is not None and data.payment.state == "failed"
    buys = page_request.principal.may("orders.buy")
    waits = order.state == "pending_payment" and data.payment is not None and data.payment.state == "requires_action"
    lines = tuple(_line(page_request, data, one) for one in order.lines)
    only = lines[0] if len(lines) == 1 else None
    invoice, whose = data.invoice, data.purchase.department
    return OrderPageView(
        id=str(order.id),
        dispute=addresses.disputes.one_of("buyer", str(data.dispute.id)) if data.dispute else "",
        dispute_state=data.dispute.state if data.dispute else "",
        number=order.number,
        state=order.state,
        listing_name=titles(page_request, order.lines),
        lines=lines,
        seller_name=order.seller_name,
        service_address=conversation_addresses.with_seller(str(order.seller_org_id), str(order.id)),
        ticket_address=ticket_addresses.new_ticket(str(order.id)) if may_have_tickets(order.state) else "",
        issuer_name=order.issuer_name,
        net=money(order.net_minor, order.currency),
        tax=money(order.tax_minor, order.currency),
        gross=money(order.gross_minor, order.currency),
        placed_at=order.created_at,
        placed_by=data.purchase.requested_by_name or "API",
        billing_profile=str(data.purchase.billing_profile.get("legal_name", "")),
        po_number=order.po_number or "",
        department=department_name(whose, page_request.language) if whose else "",
        departments=presenter.departments(page_request, data),
        department_id=str(whose.id) if whose else "",
        timeline=presenter.timeline(page_request, data),
        live=data.is_live,
        percent=min((one.percent for one in data.deliveries), default=0),
        claims=_claims(page_request, order),
        entitlement_id=only.entitlement_id if only else None,
        invoice_id=str(invoice.id) if invoice and invoice.has_pdf else None,
        receipt_address=papers.receipt_address(data.payment),
        pro_forma_address=papers.pro_forma_address(data.purchase),
        video_id=str(line.video_id) if line.video_id in data.videos else None,
        video_second=(line.second_ms or 0) // 1000,
        may_cancel=refundable,
        refund_cases=tuple(case_item(page_request, one, "buyer") for one in data.refund_cases),
        may_ask_back=asks_back,
        may_accept=order.awaits_acceptance and buys,
        may_launch=only is not None and only.may_launch,
        pay_again=methods(page_request, page_request.services.gateways, currency=order.currency)
        if failed and buys
        else (),
        pay_error=presenter.pay_error(page_request, data.payment.error_code) if failed and data.payment else "",
        confirm=_confirmation(data.payment, may_buy=buys) if waits and data.payment else None,
        milestones=bought_milestones(page_request, data.milestones, typed, may_act=buys),
        payment_state=data.payment.state if order.state == "pending_payment" and data.payment else "",
    )


def _claims(page_request: PageRequest, order: views.OrderView) -> tuple[FeedClaim, ...]:
    return tuple(
        FeedClaim(
            cast("int", one["second_ms"]) // 1000,
            page_request.pick(cast("str", one["text"]), cast("str", one["text_en"])),
            verdict_of(
                str(one["kind"]), bool(one["ok"]), tried=bought.trial_days > 0 or order.subscription_id is not None
            ),
        )
        for bought in order.lines
        for one in bought.claims
    )


def _line(page_request: PageRequest, data: OrderPageData, line: views.LineView) -> OrderPageLine:
    delivery = data.delivery_of(line)
    usable = delivery if delivery and delivery.entitlement_state == "active" else None
    opens = usable if page_request.principal.may("entitlements.read") else None
    return OrderPageLine(
        page_request.pick(line.title, line.title_en),
        page_request.pick(line.plan_name, line.plan_name_en),
        line.quantity,
        line.sold_by_seat,
        data.terms.get(line.listing_version_id, ""),
        addresses.product_terms(line.listing_id, line.listing_version_id),
        entitlement_state=delivery.entitlement_state if delivery else "",
        entitlement_id=str(opens.entitlement_id) if opens else None,
        net=money(line.net_minor, data.order.currency),
        list_price=money(line.list_minor, data.order.currency),
        discount=money(-line.discount_minor, data.order.currency) if line.coupon else None,
        discount_text=discount_in_words(
            page_request, line.coupon, every_term=line.coupon_every_term, recurs=line.term_months > 0
        ),
        may_launch=bool(opens and opens.launch_url),
        trial_days=line.trial_days,
        parts=(
            *explained(page_request, line.price_lines, line.interval, data.order.currency),
            *resale_parts(page_request, data.order, line),
            *tier_parts(page_request, line.tier, data.order.currency),
            *filter(None, [line.untaxed.in_words(page_request.language)]),
            *schedule(page_request, line.instalments, data.order.currency, _begins(data.order)),
            *agreed_terms(page_request, line.contract_terms, line.first_term_ends_at),
        ),
    )


def _begins(order: views.OrderView) -> datetime | None:
    """When the terms that it begins do; a next term's beginning stands on its subscription's page."""
    return (order.active_at or clock.now()) if order.subscription_id is None else None


def _confirmation(payment: PaymentRow, *, may_buy: bool) -> PayerConfirmation:
    way: Literal["here", "nowhere", "somebody"] = "here" if payer_address(payment.next_action) else "nowhere"
    return PayerConfirmation(way if may_buy else "somebody", payment.deadline_at, str(payment.id))


routes = [
    list_orders,
    show_order,
    cancel,
    call_off,
    choose_department,
    accept,
    accept_one,
    ask_for_rework,
    cancel_one,
    confirm,
    pay,
]
