"""The seller's dashboard: runs, funnels, orders, listings."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from api.pages.awaited_payments.handlers import awaited_note
from api.pages.frame import addresses
from api.pages.frame.phrases import (
    figure,
    money,
    run_failure,
    seconds_since,
    sentences,
    several,
    titles,
)
from api.pages.frame.prices import per_of, term_key
from api.pages.frame.site import PageRequest
from api.pages.listings.presenter import said
from api.pages.orders.views import OrderItem
from api.pages.seller.views import FunnelStep, ListingItem, ListingPanel, ListingPlan, TroubledRun
from billing.shares.queries import promoted_sales
from fulfillment.runs.views import RunRow
from kernel import clock
from kernel.db.uow import UnitOfWork
from marketplace.attribution.reach import Reach
from marketplace.catalog.queries import ListingView, PlanView
from marketplace.catalog.submit_listing import as_reason
from orders.awaited_payments import SoldOrder
from orders.seller_queries import VideoSales, sales_of_videos

ORDER_STATES = ("paid", "fulfilling", "active", "completed", "delivery_failed", "refunded")
"""What a seller meets: an order is the seller's business from its payment on."""
NO_REACH = Reach(0, 0, 0, 0)
_PPM = 1_000_000


def troubled_run(page_request: PageRequest, row: RunRow) -> TroubledRun:
    """A run that needs a hand."""
    return TroubledRun(
        id=str(row.id),
        order_id=row.order_id or str(row.reference),
        order_number=row.order_number or str(row.reference)[-8:],
        buyer_name=row.buyer_name,
        listing_name=page_request.pick(row.title, row.title_en),
        operation=row.operation,
        state=row.state,
        attempts=row.tries,
        waiting_s=seconds_since(row.created_at),
        deadline_at=row.deadline_at,
        error=run_failure(page_request, row.failure, row.message, row.message_en),
        may_replay=row.may_replay and page_request.principal.may("runs.replay"),
        refunds=row.operation == "provision" and row.deadline_at > clock.now(),
    )


def funnel(reach: Reach, sales: Sequence[VideoSales]) -> tuple[FunnelStep, ...]:
    """From impression to retained. The first step is the widest even where events before it were not recorded."""
    counts = (
        ("impression", reach.impressions),
        ("view", reach.views),
        ("card_click", reach.card_clicks),
        ("order", sum(one.orders for one in sales)),
        ("activated", sum(one.activated for one in sales)),
        ("retained", sum(one.retained for one in sales)),
    )
    widest = max(*(count for _, count in counts), 1)
    return tuple(FunnelStep(key, count, count * _PPM // widest) for key, count in counts)


def order_row(page_request: PageRequest, sold: SoldOrder, *, disputed: bool) -> OrderItem:
    """An order in the seller's list; the first line names it, more are counted."""
    view, waits = sold.order, sold.awaited
    first = view.lines[0]
    return OrderItem(
        id=str(view.id),
        number=view.number,
        listing_name=titles(page_request, view.lines),
        plan_name=page_request.pick(first.plan_name, first.plan_name_en) if len(view.lines) == 1 else "",
        counterparty=view.buyer_name,
        quantity=first.quantity,
        gross=money(view.gross_minor, view.currency),
        state=view.state,
        placed_at=view.created_at,
        disputed=disputed,
        lines=several(page_request, view.lines),
        customer=addresses.seller_customer(str(view.buyer_org_id)),
        awaited=awaited_note(waits) if waits is not None else None,
    )


def listing_row(page_request: PageRequest, view: ListingView, customers: Mapping[UUID, int]) -> ListingItem:
    """A listing in the seller's list, priced by its cheapest plan on sale."""
    plans = [plan for plan in view.plans if plan.state == "active"]
    cheapest = min(plans, key=lambda plan: (plan.pricing == "usage", plan.unit_price_minor), default=None)
    return ListingItem(
        id=str(view.id),
        name=page_request.pick(view.title, view.title_en),
        kind=view.kind,
        state=view.state,
        version=view.version_number,
        plans=len(view.plans),
        from_price=money(cheapest.unit_price_minor, cheapest.currency) if cheapest else None,
        per=per_of(cheapest.price_unit, cheapest.pricing) if cheapest else "once",
        active_customers=customers.get(view.id, 0),
        updated_at=view.published_at or view.submitted_at or view.created_at,
        next_state=view.version_state if _is_next(view) else "",
    )


def _is_next(view: ListingView) -> bool:
    """Whether the latest version is another one than the one that is, or was, on sale."""
    return view.state in {"published", "suspended", "paused"} and view.version_state != "published"


def listing_detail(
    page_request: PageRequest,
    view: ListingView,
    customers: Mapping[UUID, int],
    connectors: Mapping[UUID, str],
    suspension: str = "",
) -> ListingPanel:
    """A listing to read, as a buyer will see it, and why it was rejected or taken off sale."""
    reasons = [said(page_request, view, as_reason(found)) for found in view.review_reasons]
    if suspension:
        reasons.insert(0, page_request.t("editor.suspension", reason=suspension))
    return ListingPanel(
        row=listing_row(page_request, view, customers),
        summary=page_request.pick(view.summary, view.summary_en),
        plans=tuple(_plan(page_request, plan, connectors) for plan in view.plans),
        reasons=tuple(reasons),
    )


def _plan(page_request: PageRequest, plan: PlanView, connectors: Mapping[UUID, str]) -> ListingPlan:
    limits = [
        (page_request.pick(feature["zh"], feature["en"]), figure(page_request, feature["value"], feature.get("unit")))
        for feature in plan.features
        if feature.get("value") is not None
    ]
    if plan.included_seats:
        limits.insert(0, (page_request.t("claim.included_seats"), page_request.formats.number(plan.included_seats)))
    return ListingPlan(
        id=str(plan.id),
        name=page_request.pick(plan.name, plan.name_en),
        price=money(plan.unit_price_minor, plan.currency),
        per=per_of(plan.price_unit, plan.pricing),
        term=page_request.t(f"term.{term_key(plan.term_months)}", n=plan.term_months),
        connector=connectors.get(plan.connector_id, "–") if plan.connector_id else "–",
        features=tuple(page_request.pick(one["zh"], one["en"]) for one in plan.features if one.get("value") is None),
        limits=tuple(limits),
        sentences=sentences(page_request, plan),
    )


def sales_by_video(uow: UnitOfWork, video_ids: Collection[UUID]) -> dict[UUID, list[VideoSales]]:
    """What videos sold: of one's own plans, and, as a promoter, of others'."""
    found = sales_of_videos(uow, video_ids)
    for one in promoted_sales(uow, video_ids):
        sales = VideoSales(one.video_id, one.currency, one.lines, one.delivered, one.kept, one.gross_minor)
        found.setdefault(one.video_id, []).append(sales)
    return found
