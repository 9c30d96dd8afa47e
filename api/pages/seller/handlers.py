"""The seller's dashboard: first screen, orders, listings, and giving a run another chance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import SIGNED_IN
from api.pages.frame import addresses
from api.pages.frame.phrases import failure, money
from api.pages.frame.rendering import FlashMessage
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.money.presenter import own_figures
from api.pages.seller import presenter as seller_presenter
from api.pages.seller.presenter import sales_by_video
from api.pages.seller.views import SellerHomeView, SellerListingsView, SellerOrdersView, TroubledRun
from billing.disputes.queries import disputed_among
from fulfillment.connectors.queries import connectors_of
from fulfillment.entitlements.queries import customers_by_listing
from fulfillment.runs.queries import troubled_runs
from fulfillment.runs.replay_run import replay_run
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from marketplace.attribution.reach import get_reach
from marketplace.catalog.queries import get_own_listing, list_own_listings
from marketplace.catalog.review_desk import suspension_of
from marketplace.onboarding.queries import get_checklist
from marketplace.publishing.queries import list_own_videos
from orders.awaited_payments import list_sold

READ = "seller.orders.read"


_PAGE = 20


_TROUBLED = 20


@page(addresses.SELLER, SIGNED_IN)
def show_home(page_request: Given[PageRequest]) -> Response[str]:
    """Money, deliveries that need a hand, the last video: as much of it as the role may see."""
    require_seller(page_request)
    may = page_request.principal.may
    if not any(map(may, (READ, "money.read", "videos.write"))):
        page_request.principal.require(READ)
    with page_request.work() as uow:
        home = SellerHomeView(
            figures=own_figures(page_request, uow, "seller") if may("money.read") else (),
            runs=_troubled(page_request, uow) if may(READ) else None,
            funnel=None,
            missing=get_checklist(uow).missing,
        )
        if may(READ):
            home = _with_funnel(page_request, uow, home)
    return page_request.render(home)


@page(addresses.SELLER_ORDERS, READ)
def show_orders(page_request: Given[PageRequest]) -> Response[str]:
    """Paid orders, newest first; deliveries that need a hand before them."""
    require_seller(page_request)
    return page_request.render(_orders(page_request))


@page(addresses.SELLER_LISTINGS, READ)
def show_listings(page_request: Given[PageRequest]) -> Response[str]:
    """The organization's listings with their latest versions."""
    require_seller(page_request)
    with page_request.work() as uow:
        view = _listings(page_request, uow)
    return page_request.render(view)


@page("/seller/listings/{listing_id:uuid}", READ)
def show_listing(listing_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """One listing, opened beside the list."""
    require_seller(page_request)
    with page_request.work() as uow:
        opened = get_own_listing(uow, listing_id)
        customers = customers_by_listing(uow)
        connectors = {one.id: one.name for one in connectors_of(uow)}
        suspension = suspension_of(uow, listing_id)
        list_view = _listings(page_request, uow)
    detail = seller_presenter.listing_detail(page_request, opened, customers, connectors, suspension)
    return page_request.render(replace(list_view, opened=detail))


@form_post("/seller/runs/{run_id:uuid}/replay", "runs.replay")
def replay(run_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Queue a run that was given up once more. One that cannot be is shown as it stands now."""
    del form
    require_seller(page_request)
    try:
        page_request.transact(lambda uow: replay_run(uow, run_id))
    except Conflict as refused:
        return page_request.render(
            _orders(page_request), status=refused.status, notice=FlashMessage("bad", failure(page_request, refused))
        )
    return page_request.redirect(addresses.SELLER_ORDERS, notice="run_replayed")


def _orders(page_request: PageRequest) -> SellerOrdersView:
    state, text = page_request.query("state", most=30), page_request.query("q")
    wanted = state if state in seller_presenter.ORDER_STATES else None
    with page_request.work() as uow:
        cursor = page_request.query("cursor", most=200) or None
        found = list_sold(uow, cursor=cursor, limit=_PAGE, state=wanted, text=text or None)
        disputed = disputed_among(uow, [one.id for one in found.items])
        runs = _troubled(page_request, uow)
    return SellerOrdersView(
        rows=tuple(seller_presenter.order_row(page_request, one, disputed=one.id in disputed) for one in found.items),
        runs=runs,
        states=seller_presenter.ORDER_STATES,
        state=wanted or "",
        query=text,
        next_address=addresses.next_page(addresses.SELLER_ORDERS, found.next_cursor, state=wanted, q=text),
    )


def _troubled(page_request: PageRequest, uow: UnitOfWork) -> tuple[TroubledRun, ...]:
    return tuple(seller_presenter.troubled_run(page_request, row) for row in troubled_runs(uow, limit=_TROUBLED))


def _with_funnel(page_request: PageRequest, uow: UnitOfWork, home: SellerHomeView) -> SellerHomeView:
    latest = list_own_videos(uow, limit=1, state="published").items
    if not latest:
        return replace(home, funnel=())
    video = latest[0]
    sales = sales_by_video(uow, [video.id]).get(video.id, [])
    best = max(sales, key=lambda one: one.orders, default=None)
    return replace(
        home,
        funnel=seller_presenter.funnel(get_reach(uow, video.id), sales),
        funnel_video_id=str(video.id),
        funnel_video_title=page_request.pick(video.title, video.title_en),
        funnel_money=money(best.gross_minor, best.currency) if best else None,
    )


def _listings(page_request: PageRequest, uow: UnitOfWork) -> SellerListingsView:
    found = list_own_listings(uow, cursor=page_request.query("cursor", most=200) or None, limit=_PAGE)
    customers = customers_by_listing(uow)
    return SellerListingsView(
        tuple(seller_presenter.listing_row(page_request, one, customers) for one in found.items),
        next_address=addresses.next_page(addresses.SELLER_LISTINGS, found.next_cursor),
        may_edit=page_request.principal.may("catalog.write"),
    )


routes = [show_home, show_orders, show_listings, show_listing, replay]
