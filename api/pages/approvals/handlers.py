"""The approver's inbox: what waits, with all that deciding needs in view, and what was decided."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.media_addresses import cover_address, media_address
from api.pages.approvals.views import ApprovalRequest, ApprovalsView, Decision
from api.pages.feed.views import FeedClaim, verdict_of
from api.pages.frame import addresses
from api.pages.frame.phrases import failure, money, titles
from api.pages.frame.prices import term_key
from api.pages.frame.rendering import FlashMessage
from api.pages.frame.site import Form, PageRequest, form_post, page
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, NotFound
from marketplace.videos.queries import VideoSummary, summaries_of
from orders import queries
from orders.approval_rules.models import PurchaseRule
from orders.checkout.decide_purchase import DecidePurchase, decide_purchase
from orders.checkout.views import PurchaseView
from orders.order.views import LineView

SHOWN = 20
DECIDED = 10
CLIP_BEFORE_S, CLIP_AFTER_S = 3, 12


@page(addresses.APPROVALS, "orders.approve")
def inbox(page_request: Given[PageRequest]) -> Response[str]:
    """Purchases over their purchaser's limit, the newest first."""
    return page_request.render(_view(page_request))


@form_post("/approvals/{purchase_id:uuid}/approve", "orders.approve")
def approve(
    purchase_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[str] | Response[bytes]:
    """Let a purchase pass; its payment starts."""
    del form
    return _decide(page_request, DecidePurchase(purchase_id, "approved"), "approved")


@form_post("/approvals/{purchase_id:uuid}/reject", "orders.approve")
def reject(
    purchase_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[str] | Response[bytes]:
    """Refuse a purchase, with the reason its requester will read."""
    return _decide(page_request, DecidePurchase(purchase_id, "rejected", form.text("reason") or None), "rejected")


def _decide(
    page_request: PageRequest, command: DecidePurchase, done: Literal["approved", "rejected"]
) -> Response[str] | Response[bytes]:
    try:
        page_request.transact(lambda uow: decide_purchase(uow, command))
    except NotFound:
        raise
    except DomainError as refused:
        return page_request.render(
            _view(page_request), status=refused.status, notice=FlashMessage("bad", failure(page_request, refused))
        )
    return page_request.redirect(addresses.APPROVALS, notice=done)


def _view(page_request: PageRequest) -> ApprovalsView:
    def read(uow: UnitOfWork) -> ApprovalsView:
        cursor = page_request.query("cursor", most=200) or None
        page = queries.list_purchases(uow, cursor=cursor, limit=SHOWN, state="pending_approval")
        waiting = page.items
        recent = queries.list_purchases(uow, limit=SHOWN).items
        rules = {rule.currency.strip(): rule for rule in queries.find_rule_of(uow)}
        videos = summaries_of(uow, {line.video_id for one in waiting for line in _lines(one) if line.video_id})
        return ApprovalsView(
            waiting=tuple(_request(page_request, one, rules.get(one.currency.strip()), videos) for one in waiting),
            count=queries.count_waiting_for_approval(uow),
            next_address=addresses.next_page(addresses.APPROVALS, page.next_cursor),
            decided=tuple(_decision(page_request, one) for one in recent if one.decision)[:DECIDED],
        )

    return page_request.transact(read)


def _lines(purchase: PurchaseView) -> list[LineView]:
    return [line for order in purchase.orders for line in order.lines]


def _request(
    page_request: PageRequest,
    purchase: PurchaseView,
    rule: PurchaseRule | None,
    videos: dict[UUID, VideoSummary],
) -> ApprovalRequest:
    order, line = purchase.orders[0], _lines(purchase)[0]
    video = videos.get(line.video_id) if line.video_id else None
    second = (line.second_ms or 0) // 1000
    own = purchase.requested_by == page_request.principal.person_id and not (rule is not None and rule.self_approval)
    return ApprovalRequest(
        purchase_id=str(purchase.id),
        lines=tuple(
            f"{page_request.pick(one.title, one.title_en)} · {page_request.pick(one.plan_name, one.plan_name_en)}"
            f" × {page_request.formats.number(one.quantity)}"
            for one in _lines(purchase)
        ),
        seller_name=order.seller_name,
        gross=money(purchase.gross_minor, purchase.currency),
        term=page_request.t(f"term.{term_key(line.term_months)}", n=line.term_months),
        asked_by=purchase.requested_by_name or "API",
        asked_at=purchase.created_at,
        expires_at=purchase.deadline_at or purchase.created_at,
        reasons=_reasons(page_request, purchase),
        note=f"PO {purchase.po_number}" if purchase.po_number else "",
        claims=tuple(
            FeedClaim(
                int(one["second_ms"]) // 1000,
                page_request.pick(one["text"], one["text_en"]),
                verdict_of(one["kind"], bool(one["ok"])),
            )
            for bought in _lines(purchase)
            for one in bought.claims
        ),
        video_title=page_request.pick(video.title, video.title_en) if video else "",
        video_src=media_address(page_request.services, video.id, video.media_version, is_public=video.is_public)
        if video
        else "",
        poster=cover_address(page_request.services, video.id, video.media_version, is_public=video.is_public, width=960)
        if video
        else "",
        clip_from_s=max(0, second - CLIP_BEFORE_S),
        clip_to_s=min(second + CLIP_AFTER_S, video.duration_ms // 1000) if video else 0,
        own_request=own,
    )


def _reasons(page_request: PageRequest, purchase: PurchaseView) -> tuple[str, ...]:
    """In words, as they were when the purchase was placed."""

    def amount(minor: int | None) -> str:
        return page_request.formats.price(money(minor or 0, purchase.currency))

    return tuple(
        page_request.t(f"approvals.{one.code}", limit=amount(one.limit_minor), spent=amount(one.spent_minor))
        for one in purchase.approval_reasons
    ) or (page_request.t("approvals.waits"),)


def _decision(page_request: PageRequest, purchase: PurchaseView) -> Decision:
    return Decision(
        purchase_id=str(purchase.id),
        listing_name=titles(page_request, _lines(purchase)),
        gross=money(purchase.gross_minor, purchase.currency),
        asked_by=purchase.requested_by_name or "API",
        approved=purchase.decision == "approved",
        reason=purchase.decision_reason or "",
        decided_at=purchase.decided_at or purchase.created_at,
    )


routes = [inbox, approve, reject]
