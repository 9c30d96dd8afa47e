"""Kept payment methods, on a page: added on the gateway's own, made the default, replaced and removed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.choices import Choice
from api.pages.frame.payment_methods import kept_in_words
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404, redirect
from api.pages.frame.translations import translations
from api.pages.payment_methods.views import PaymentMethodItem, PaymentMethodsView
from api.payer_action import payer_address
from api.payer_steps import begin_setup, read_methods
from api.v1.payment_methods import READ
from billing.payment_methods.change import BUY, set_default
from billing.payment_methods.keep import keeper_of
from billing.payment_methods.queries import PaymentMethodRow, list_payment_methods
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, NotFound
from orders.payment_methods.paid_by import paid_by
from orders.payment_methods.remove import RemovePaymentMethod, remove_payment_method


@page(addresses.payments.METHODS, READ)
def show_methods(page_request: Given[PageRequest]) -> Response[str]:
    """What is kept, the default first."""
    return _shown(page_request)


@page("/payment-methods/return", READ)
def come_back(page_request: Given[PageRequest]) -> Response[Any]:
    """Where the gateway's page leads back to. What was kept there is asked for, whatever the address says."""
    read_methods(page_request.request)
    return page_request.redirect(addresses.payments.METHODS)


@form_post(addresses.payments.METHODS, BUY)
def add(page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Lead the payer to the gateway's own page."""
    try:
        address = begin_setup(page_request.request, form.text("gateway", most=40) or None)
    except DomainError as refused:
        return _shown(page_request, refused)
    led = payer_address({"kind": "redirect", "url": address})
    return redirect(led) if led else page_request.redirect(addresses.payments.METHODS)


@form_post("/payment-methods/{method_id:uuid}/default", BUY)
def make_default(method_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Offer this one first."""
    del form
    page_request.transact(lambda uow: set_default(uow, method_id))
    return page_request.redirect(addresses.payments.METHODS, notice="payment_method_default")


@form_post("/payment-methods/{method_id:uuid}/remove", BUY)
def remove(method_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Keep it no longer; what it pays for goes on with the one that was chosen."""
    chosen = form.text("replace_by", most=36)
    other = parse_uuid_or_404(chosen, "payment_method_not_found") if chosen else None
    try:
        page_request.transact(lambda uow: remove_payment_method(uow, RemovePaymentMethod(method_id, other)))
    except NotFound:
        raise
    except DomainError as refused:
        return _shown(page_request, refused)
    return page_request.redirect(addresses.payments.METHODS, notice="payment_method_removed")


def _shown(page_request: PageRequest, refused: DomainError | None = None) -> Response[str]:
    services = page_request.services
    with page_request.work() as uow:
        kept = list_payment_methods(uow)
        pays = _pays(page_request, uow, kept)
    words = translations(page_request.language)
    view = PaymentMethodsView(
        rows=tuple(_item(page_request, one, pays.get(one.id, ()), kept) for one in kept),
        gateways=tuple(
            Choice(name, words.word("gateway", name))
            for name in services.gateways
            if keeper_of(services.gateways, name) is not None
        ),
        may_change=page_request.principal.may(BUY),
        error=failure(page_request, refused) if refused is not None else "",
    )
    return page_request.render(view, status=refused.status if refused is not None else 200)


def _pays(page_request: PageRequest, uow: UnitOfWork, kept: Any) -> dict[UUID, tuple[str, ...]]:
    found: dict[UUID, tuple[str, ...]] = {}
    for gateway in {one.gateway for one in kept}:
        ids = {one.token: one.id for one in kept if one.gateway == gateway}
        for used in paid_by(uow, gateway, list(ids)):
            found[ids[used.token]] = (
                *found.get(ids[used.token], ()),
                page_request.pick(used.title, used.title_en),
            )
    return found


def _item(page_request: PageRequest, one: PaymentMethodRow, pays: tuple[str, ...], kept: Any) -> PaymentMethodItem:
    others = tuple(Choice(str(other.id), kept_in_words(page_request, other)) for other in kept if other.id != one.id)
    return PaymentMethodItem(
        id=str(one.id),
        label=kept_in_words(page_request, one),
        gateway=translations(page_request.language).word("gateway", one.gateway),
        expires=f"{one.exp_month:02}/{one.exp_year}" if one.exp_month and one.exp_year else "",
        has_expired=one.has_expired,
        is_default=one.is_default,
        kept_at=one.created_at,
        pays=tuple(dict.fromkeys(pays)),
        others=others,
    )


routes = [show_methods, come_back, add, make_default, remove]
