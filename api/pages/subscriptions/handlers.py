"""The buyer's subscriptions: what each costs next and when, its changes, and its line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.payment_methods import leads_payer, parse_method
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.subscriptions.presenter import WantedChange, item, next_term_of, shown
from api.pages.subscriptions.views import SubscriptionsView
from api.v1.departments import ASSIGN
from api.v1.purchases import PurchaseIn, buy, require_gateway
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, DomainError, NotFound
from orders.amendments.models import QuotedChange
from orders.checkout.approval_reasons import BUY
from orders.departments.assign_department import assign_subscription
from orders.queries import get_quote
from orders.subscriptions.auto_renew import set_auto_renew
from orders.subscriptions.change_next_term import ChangeNextTerm, change_next_term
from orders.subscriptions.change_payment_method import ChangePaymentMethod, change_payment_method
from orders.subscriptions.queries import list_subscriptions

PAGE = 30


@page(addresses.SUBSCRIPTIONS, "orders.read")
def show_subscriptions(page_request: Given[PageRequest]) -> Response[str]:
    """Everything the organization has subscribed to, newest first."""
    with page_request.work() as uow:
        found = list_subscriptions(uow, cursor=page_request.query("cursor", most=200) or None, limit=PAGE)
    more = addresses.next_page(addresses.SUBSCRIPTIONS, found.next_cursor)
    return page_request.render(SubscriptionsView(tuple(item(page_request, one) for one in found.items), more))


@page("/subscriptions/{subscription_id:uuid}", "orders.read")
def show_subscription(subscription_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """One subscription. `when=now` prices a change for the rest of the term, `when=next` one from the next term on, `when=with`
    a term that ends with another subscription's.
    """
    asked = page_request.query("when", most=4)
    wanted = WantedChange(
        when=_when(asked),
        align_with=page_request.query("align", most=36),
        quantity=page_request.query("quantity", most=12),
        plan_id=page_request.query("plan", most=36),
        profile_id=page_request.query("profile", most=36),
        previewed=asked in {"now", "next", "with"},
    )
    view = shown(page_request, subscription_id, wanted)
    return page_request.render(view)


@form_post("/subscriptions/{subscription_id:uuid}/change", BUY)
def change_now(subscription_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Buy the change that the page priced: never anything else than it showed, and once however often it is sent."""
    wanted = _typed(form, "with" if form.text("align", most=36) else "now")
    quote_id = parse_uuid_or_404(form.text("quote_id", most=36))
    try:
        with page_request.work() as uow:
            _require_same(get_quote(uow, quote_id).amends, subscription_id, wanted)
        gateway, token = parse_method(wanted.method_id)
        purchase = PurchaseIn(
            quote_id=quote_id,
            billing_profile_id=parse_uuid_or_404(wanted.profile_id, "billing_profile_not_found"),
            gateway=gateway,
            payment_method=token,
            po_number=wanted.po_number or None,
        )
        bought = buy(page_request.request, purchase, form.text("idempotency_key", most=255) or None)
    except NotFound:
        raise
    except DomainError as refused:
        return page_request.render(shown(page_request, subscription_id, wanted, refused), status=refused.status)
    order_id, led = json.loads(bought.body)["orders"][0]["id"], leads_payer(page_request.services.gateways, gateway)
    return page_request.redirect(addresses.order_confirm(order_id) if led else addresses.order(order_id))


@form_post("/subscriptions/{subscription_id:uuid}/next-term", BUY)
def change_next(subscription_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Note what the next term is to be; `action=undo` lets it be as it is now. Nothing is paid."""
    undoing = form.text("action") == "undo"
    wanted = _typed(form, "next")

    def work(uow: UnitOfWork) -> None:
        command = ChangeNextTerm(subscription_id) if undoing else next_term_of(subscription_id, wanted)
        change_next_term(uow, command)

    return _acted(page_request, subscription_id, wanted, work, "next_term_undone" if undoing else "next_term_noted")


@form_post("/subscriptions/{subscription_id:uuid}/auto-renew", BUY)
def switch(subscription_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """`wanted=on` lets it go on after the paid term, anything else ends it with the term; each undoes the other."""
    on = form.text("wanted") == "on"

    def work(uow: UnitOfWork) -> None:
        set_auto_renew(uow, subscription_id, wanted=on)

    return _acted(page_request, subscription_id, WantedChange(), work, "renewal_on" if on else "renewal_off")


@form_post("/subscriptions/{subscription_id:uuid}/payment-method", BUY)
def change_method(
    subscription_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[Any]:
    """Pay what it goes on costing by another method; nothing is charged now."""
    method_id = form.text("payment_method_id", most=200)

    def work(uow: UnitOfWork) -> None:
        gateway, token = parse_method(method_id)
        require_gateway(page_request.services, gateway)
        change_payment_method(uow, ChangePaymentMethod(subscription_id, gateway, token))

    return _acted(page_request, subscription_id, WantedChange(), work, "method_changed")


@form_post("/subscriptions/{subscription_id:uuid}/department", ASSIGN)
def choose_department(
    subscription_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[Any]:
    """Say whose spending it is what is charged from now on."""
    chosen = form.text("department_id", most=36)
    department_id = parse_uuid_or_404(chosen, "department_not_found") if chosen else None

    def work(uow: UnitOfWork) -> None:
        assign_subscription(uow, subscription_id, department_id)

    return _acted(page_request, subscription_id, WantedChange(), work, "department_assigned")


def _acted(
    page_request: PageRequest,
    subscription_id: UUID,
    wanted: WantedChange,
    work: Callable[[UnitOfWork], None],
    notice: str,
) -> Response[Any]:
    """Do `work` and come back to the page; a refusal is told there, beside what was typed."""
    try:
        page_request.transact(work)
    except NotFound:
        raise
    except DomainError as refused:
        return page_request.render(shown(page_request, subscription_id, wanted, refused), status=refused.status)
    return page_request.redirect(addresses.subscription(str(subscription_id)), notice=notice)


def _when(asked: str) -> Literal["now", "next", "with"]:
    return "next" if asked == "next" else "with" if asked == "with" else "now"


def _typed(form: Form, when: str) -> WantedChange:
    return WantedChange(
        when=_when(when),
        align_with=form.text("align", most=36),
        quantity=form.text("quantity", most=12),
        plan_id=form.text("plan", most=36),
        profile_id=form.text("profile", most=36),
        method_id=form.text("payment_method_id", most=200),
        po_number=form.text("po_number", most=64),
        previewed=True,
    )


def _require_same(amends: dict[str, Any] | None, subscription_id: UUID, wanted: WantedChange) -> None:
    """Raises NotFound where the quote is of something else, Conflict `price_changed` where it is of another change."""
    if amends is None:
        raise NotFound("not_found")
    quoted = QuotedChange.model_validate(amends)
    if quoted.subscription_id != subscription_id:
        raise NotFound("not_found")
    if (quoted.aligned_to is not None) != (wanted.when == "with"):
        raise Conflict("subscription_changed")
    if wanted.when == "with":
        # Which end it is to have, the quote says, as the page did.
        return
    plan = wanted.plan() or quoted.plan_id_before
    if (quoted.quantity, quoted.plan_id) != (wanted.seats() or quoted.quantity_before, plan):
        raise Conflict("subscription_changed")


routes = [show_subscriptions, show_subscription, change_now, change_next, switch, change_method, choose_department]
