"""Credit with sellers, on pages: balances, what moved them, and asking for the rest in money."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.phrases import failure, money
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.store_credits.views import (
    CreditMovementItem,
    SellerStoreCreditPage,
    SellerStoreCreditsView,
    StoreCreditItem,
    StoreCreditPage,
    StoreCreditsView,
)
from api.v1.refund_cases import BUY, READ, SEES
from kernel.errors import DomainError, NotFound
from orders.store_credit.pay_back import ask_payback
from orders.store_credit.queries import CreditSide, get_credit, list_credits

Answer = Response[str] | Response[bytes]
PAGE = 30
PAGES: Final[dict[CreditSide, type[StoreCreditPage]]] = {"buyer": StoreCreditPage, "seller": SellerStoreCreditPage}


@page(addresses.store_credits.CREDITS, READ)
def show_own_credits(page_request: Given[PageRequest]) -> Answer:
    """What the organization has with sellers."""
    return page_request.render(_list(page_request, StoreCreditsView, addresses.store_credits.CREDITS))


@page(addresses.store_credits.SELLER_CREDITS, SEES)
def show_given_credits(page_request: Given[PageRequest]) -> Answer:
    """What customers have with the organization."""
    require_seller(page_request)
    return page_request.render(_list(page_request, SellerStoreCreditsView, addresses.store_credits.SELLER_CREDITS))


@page("/store-credits/{credit_id:uuid}", READ)
def show_own_credit(credit_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One of the organization's own."""
    return page_request.render(_credit(page_request, credit_id, "buyer"))


@page("/seller/store-credits/{credit_id:uuid}", SEES)
def show_given_credit(credit_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One of a customer's."""
    return page_request.render(_credit(page_request, credit_id, "seller"))


@form_post("/store-credits/{credit_id:uuid}/payback", BUY)
def pay_back(credit_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Ask for what is left in money. Pressed twice, it was asked for once."""
    del form
    try:
        page_request.transact(lambda uow: ask_payback(uow, credit_id).id)
    except NotFound:
        raise
    except DomainError as refused:
        view = replace(_credit(page_request, credit_id, "buyer"), error=failure(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.store_credits.credit("buyer", str(credit_id)), notice="credit_payback_asked")


def _list(page_request: PageRequest, view: type[StoreCreditsView], path: str) -> StoreCreditsView:
    with page_request.work() as uow:
        found = list_credits(uow, side=view.side, cursor=page_request.query("cursor", most=200) or None, limit=PAGE)
    rows = tuple(
        StoreCreditItem(
            addresses.store_credits.credit(view.side, str(one.id)),
            one.seller_name if view.side == "buyer" else one.buyer_name,
            money(one.balance_minor, one.currency),
            money(one.available_minor, one.currency),
            one.created_at,
        )
        for one in found.items
    )
    return view(rows, addresses.next_page(path, found.next_cursor))


def _credit(page_request: PageRequest, credit_id: UUID, side: CreditSide) -> StoreCreditPage:
    with page_request.work() as uow:
        one = get_credit(uow, credit_id, side=side)
    order = addresses.order if side == "buyer" else addresses.trace
    return PAGES[side](
        id=str(one.id),
        buyer_name=one.buyer_name,
        seller_name=one.seller_name,
        balance=money(one.balance_minor, one.currency),
        available=money(one.available_minor, one.currency),
        movements=tuple(
            CreditMovementItem(
                moved.kind,
                money(moved.amount_minor, one.currency),
                moved.created_at,
                moved.order_number or "",
                order(str(moved.order_id)) if moved.order_id is not None else None,
            )
            for moved in one.movements
        ),
        may_be_paid_back=side == "buyer" and one.may_be_paid_back and page_request.principal.may(BUY),
    )


routes = [show_own_credits, show_given_credits, show_own_credit, show_given_credit, pay_back]
