"""A payment that its payer has to confirm: the sandbox's own bank, and the way back from any bank."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.phrases import failure, money, titles
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.payments.views import ConfirmPaymentView, TransferPage
from api.payer_steps import ask_gateway, withdraw
from api.v1.bank_transfers import withdraw_transfer
from api.v1.payments import answer_bank
from billing.bank.queries import find_transfer
from billing.payments.queries import PaymentRow, get_payment
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Forbidden
from orders import queries
from orders.order.views import OrderView


@page("/payments/{payment_id:uuid}", "orders.read")
def show_payment(payment_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[Any]:
    """Its order, which says what became of it."""
    with page_request.work() as uow:
        _, order = _paid_for(uow, payment_id)
    return page_request.redirect(addresses.order(str(order.id)))


@page("/payments/{payment_id:uuid}/return", "orders.read")
def come_back(payment_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[Any]:
    """Where a gateway sends the payer back to. What it adds to the address is not believed: the gateway is asked.

    Paid, it leads to the second of the video that it was bought in; else to the order, which says how it stands.
    """
    ask_gateway(page_request.request, payment_id)
    with page_request.work() as uow:
        payment, order = _paid_for(uow, payment_id)
    line = order.lines[0]
    if payment.state == "succeeded" and line.video_id is not None:
        at = addresses.video(str(line.video_id), (line.second_ms or 0) // 1000)
        return page_request.redirect(at, notice="payment_made")
    return page_request.redirect(addresses.order(str(order.id)))


@form_post("/payments/{payment_id:uuid}/withdraw", "orders.buy")
def take_back(payment_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Withdraw what waits for its payer, so that another way can be chosen; what was paid meanwhile is paid."""
    del form
    with page_request.work() as uow:
        _, order = _paid_for(uow, payment_id)
    try:
        withdraw(page_request.request, payment_id)
    except Conflict:
        return page_request.redirect(addresses.order(str(order.id)))
    with page_request.work() as uow:
        payment, _ = _paid_for(uow, payment_id)
    notice = "payment_withdrawn" if payment.state == "failed" else ""
    return page_request.redirect(addresses.order(str(order.id)), notice=notice)


@page("/payments/{payment_id:uuid}/confirm", "orders.buy")
def show_bank(payment_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[Any]:
    """The sandbox's bank asks. A payment that waits for nobody leads to its order. Raises Forbidden(`sandbox_only`)."""
    if not page_request.services.sandbox:
        raise Forbidden("sandbox_only")
    with page_request.work() as uow:
        payment, order = _paid_for(uow, payment_id)
    if payment.state != "requires_action":
        return page_request.redirect(addresses.order(str(order.id)))
    return page_request.render(
        ConfirmPaymentView(
            payment_id=str(payment.id),
            order_id=str(order.id),
            order_number=order.number,
            listing_name=titles(page_request, order.lines),
            amount=money(payment.amount_minor, payment.currency),
            deadline_at=payment.deadline_at,
        )
    )


@form_post("/payments/{payment_id:uuid}/confirm", "orders.buy")
def answer(payment_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Confirm or refuse. Pressed twice, the second finds it answered; either way the order shows what became of it."""
    with page_request.work() as uow:
        payment, order = _paid_for(uow, payment_id)
    approve = form.text("action", most=10) == "approve"
    try:
        answer_bank(page_request.services, payment, approve=approve)
    except Conflict:
        return page_request.redirect(addresses.order(str(order.id)))
    return page_request.redirect(addresses.order(str(order.id)), notice="confirmed" if approve else "refused")


@page("/payments/{payment_id:uuid}/transfer", "orders.read")
def show_transfer(payment_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[Any]:
    """What is to be sent for a payment by bank transfer."""
    return page_request.render(_transfer(page_request, payment_id))


@form_post("/payments/{payment_id:uuid}/transfer/withdraw", "orders.buy")
def withdraw_bank_transfer(
    payment_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[Any]:
    """No transfer will be made: the order can be paid in another way. Pressed twice, the second finds it withdrawn."""
    del form
    try:
        withdraw_transfer(page_request.request, payment_id)
    except Conflict as refused:
        view = _transfer(page_request, payment_id, failure(page_request, refused))
        return page_request.render(view, status=refused.status)
    with page_request.work() as uow:
        _, order = _paid_for(uow, payment_id)
    return page_request.redirect(addresses.order(str(order.id)), notice="transfer_withdrawn")


def _transfer(page_request: PageRequest, payment_id: UUID, error: str | None = None) -> TransferPage:
    with page_request.work() as uow:
        found = find_transfer(uow, payment_id)
        _, order = _paid_for(uow, payment_id)
    is_part = 0 < found.missing_minor < found.amount_minor
    return TransferPage(
        found=found,
        order_id=str(order.id),
        amount=money(found.amount_minor, found.currency),
        missing=money(found.missing_minor, found.currency) if is_part else None,
        locale=page_request.language,
        may_withdraw=page_request.principal.may("orders.buy") and not found.is_owed,
        error=error,
    )


def _paid_for(uow: UnitOfWork, payment_id: UUID) -> tuple[PaymentRow, OrderView]:
    """A payment of the visitor's organization and the first order it is for. Raises NotFound."""
    payment = get_payment(uow, payment_id)
    return payment, queries.get_purchase(uow, payment.reference).orders[0]


routes = [show_payment, come_back, take_back, show_bank, answer, show_transfer, withdraw_bank_transfer]
