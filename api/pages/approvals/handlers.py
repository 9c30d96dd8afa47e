"""What waits for a decision, with all that deciding needs in view, what was decided, and who stands in for whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Literal
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.media_addresses import cover_address, media_address
from api.pages.approvals.views import (
    ApprovalRequest,
    ApprovalsView,
    Decision,
    DeputyShown,
    DeputyTyped,
    StepShown,
)
from api.pages.feed.views import FeedClaim, verdict_of
from api.pages.frame import addresses
from api.pages.frame.approval_words import reason_sentence, who_decides
from api.pages.frame.choices import Choice, department_name
from api.pages.frame.outside_words import outside_sentences
from api.pages.frame.phrases import explained, failure, money, schedule, titles
from api.pages.frame.prices import term_key
from api.pages.frame.rendering import FlashMessage
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Forbidden, Invalid, NotFound
from marketplace.access.members import list_members
from marketplace.access.permissions import holds
from marketplace.videos.queries import VideoSummary, summaries_of
from orders import queries
from orders.approval_apps.queries import outside_approvals
from orders.approval_rules.deputies import (
    MANAGE,
    AppointDeputy,
    DeputyView,
    appoint_deputy,
    list_deputies,
    revoke_deputy,
    stands_for,
)
from orders.approval_rules.set_policy import READS
from orders.approval_rules.steps import Candidate, WaitingStep, decider_of
from orders.checkout.decide_purchase import DecidePurchase, decide_purchase
from orders.checkout.views import ApprovalStepView, PurchaseView
from orders.order.views import LineView
from orders.waiting import count_waiting

SHOWN = 20
DECIDED = 10
CLIP_BEFORE_S, CLIP_AFTER_S = 3, 12


@page(addresses.APPROVALS, "orders.read")
def inbox(page_request: Given[PageRequest]) -> Response[str]:
    """Purchases that wait for a step to be decided, the newest first."""
    return page_request.render(_view(page_request))


@form_post("/approvals/{purchase_id:uuid}/approve", "orders.read")
def approve(
    purchase_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[str] | Response[bytes]:
    """Let a purchase pass the step that was shown; after the last its payment starts."""
    return _decide(page_request, DecidePurchase(purchase_id, "approved", step=_step(form)), "approved")


@form_post("/approvals/{purchase_id:uuid}/reject", "orders.read")
def reject(
    purchase_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[str] | Response[bytes]:
    """Refuse a purchase, with the reason its requester will read."""
    command = DecidePurchase(purchase_id, "rejected", form.text("reason") or None, step=_step(form))
    return _decide(page_request, command, "rejected")


@form_post(addresses.APPROVAL_DEPUTIES, "orders.read")
def add_deputy(page_request: Given[PageRequest], form: Given[Form]) -> Response[str] | Response[bytes]:
    """Let a colleague decide in the visitor's place for some days."""
    typed = DeputyTyped(form.text("deputy_id", most=36), form.text("starts_on", most=10), form.text("ends_on", most=10))
    try:
        command = AppointDeputy(
            parse_uuid_or_404(typed.deputy_id), _day(typed.starts_on, "starts_on"), _day(typed.ends_on, "ends_on")
        )
        page_request.transact(lambda uow: appoint_deputy(uow, command))
    except NotFound:
        raise
    except DomainError as refused:
        field = getattr(refused, "field", None) or "deputy_id"
        view = replace(_view(page_request), typed=typed, error=failure(page_request, refused), error_field=field)
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.APPROVALS, notice="deputy_appointed")


@form_post("/approvals/deputies/{deputy_id:uuid}/end", "orders.read")
def end_deputy(deputy_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[bytes]:
    """A deputy decides no more; done twice, it stays so."""
    del form
    page_request.transact(lambda uow: revoke_deputy(uow, deputy_id))
    return page_request.redirect(addresses.APPROVALS, notice="deputy_ended")


def _step(form: Form) -> int:
    return form.number("step", least=1, most=100)


def _day(text: str, field: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Invalid("deputy_days_invalid", field=field) from error


def _decide(
    page_request: PageRequest, command: DecidePurchase, done: Literal["approved", "rejected"]
) -> Response[str] | Response[bytes]:
    try:
        state = page_request.transact(lambda uow: decide_purchase(uow, command).purchase.state)
    except NotFound:
        raise
    except DomainError as refused:
        return page_request.render(
            _view(page_request), status=refused.status, notice=FlashMessage("bad", failure(page_request, refused))
        )
    return page_request.redirect(addresses.APPROVALS, notice="step_approved" if state == "pending_approval" else done)


def _view(page_request: PageRequest) -> ApprovalsView:
    def read(uow: UnitOfWork) -> ApprovalsView:
        cursor = page_request.query("cursor", most=200) or None
        page = queries.list_purchases(uow, cursor=cursor, limit=SHOWN, state="pending_approval")
        waiting = page.items
        recent = queries.list_purchases(uow, limit=SHOWN).items
        rules = {rule.currency for rule in queries.list_rules(uow) if rule.self_approval}
        standing = stands_for(uow, binding=False) if page_request.principal.person_id else []
        outside = outside_approvals(uow, [one.id for one in waiting])
        videos = summaries_of(uow, {line.video_id for one in waiting for line in _lines(one) if line.video_id})
        return ApprovalsView(
            waiting=tuple(
                replace(
                    _request(page_request, one, _blocked(page_request, one, standing, rules), videos),
                    outside=outside_sentences(page_request, outside.get(one.id, ())),
                )
                for one in waiting
            ),
            count=count_waiting(uow).approvals if page_request.principal.person_id else 0,
            next_address=addresses.next_page(addresses.APPROVALS, page.next_cursor),
            decided=tuple(_decision(page_request, one) for one in recent if one.decision)[:DECIDED],
            deputies=tuple(_deputy(page_request, one) for one in list_deputies(uow)),
            colleagues=_colleagues(page_request, uow),
            today=clock.today(page_request.time_zone).isoformat(),
        )

    return page_request.transact(read)


def _lines(purchase: PurchaseView) -> list[LineView]:
    return [line for order in purchase.orders for line in order.lines]


def _note(page_request: PageRequest, purchase: PurchaseView) -> str:
    """The requester's own number, whose spending it is, and of a trial what follows it."""
    tried = [
        page_request.t(
            "trial.note",
            days=one.trial_days,
            amount=page_request.formats.money(money(one.trial_after_minor, purchase.currency)),
        )
        for one in _lines(purchase)
        if one.trial_days
    ]
    whose = [department_name(purchase.department, page_request.language)] if purchase.department else []
    return " · ".join([*([f"PO {purchase.po_number}"] if purchase.po_number else []), *whose, *tried])


def _request(
    page_request: PageRequest,
    purchase: PurchaseView,
    blocked: str,
    videos: dict[UUID, VideoSummary],
) -> ApprovalRequest:
    line = _lines(purchase)[0]
    terms = dict.fromkeys(one.term_months for one in _lines(purchase))
    video = videos.get(line.video_id) if line.video_id else None
    second = (line.second_ms or 0) // 1000
    waits = purchase.waits_for
    later = [one for one in purchase.approval_steps if waits is not None and one.number > waits.number]
    return ApprovalRequest(
        purchase_id=str(purchase.id),
        lines=tuple(
            f"{page_request.pick(one.title, one.title_en)} · {page_request.pick(one.plan_name, one.plan_name_en)}"
            f" × {page_request.formats.number(one.quantity)}"
            for one in _lines(purchase)
        ),
        parts=tuple(
            part
            for one in _lines(purchase)
            for part in (
                *explained(page_request, one.price_lines, one.interval, purchase.currency),
                *schedule(page_request, one.instalments, purchase.currency, None),
            )
        ),
        seller_name=" · ".join(dict.fromkeys(order.seller_name for order in purchase.orders)),
        gross=money(purchase.gross_minor, purchase.currency),
        term=" · ".join(page_request.t(f"term.{term_key(months)}", n=months) for months in terms),
        asked_by=purchase.requested_by_name or "API",
        asked_at=purchase.created_at,
        expires_at=purchase.deadline_at or purchase.created_at,
        reasons=tuple(reason_sentence(page_request, one, purchase.currency) for one in purchase.approval_reasons)
        or (page_request.t("approvals.waits"),),
        note=_note(page_request, purchase),
        claims=tuple(
            FeedClaim(
                int(one["second_ms"]) // 1000,
                page_request.pick(one["text"], one["text_en"]),
                verdict_of(one["kind"], bool(one["ok"]), tried=bought.trial_days > 0),
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
        steps=_steps(page_request, purchase),
        step=waits.number if waits else 1,
        next_decider=who_decides(page_request, later[0].step) if later else "",
        blocked=blocked,
    )


def _blocked(
    page_request: PageRequest, purchase: PurchaseView, standing: list[Candidate], self_approval: set[str]
) -> str:
    """Why the visitor does not take the step that waits; empty when they may."""
    principal, waits = page_request.principal, purchase.waits_for
    if waits is None or principal.person_id is None:
        return page_request.t("approvals.waits")
    taken = {who for one in purchase.approval_steps for who in (one.decided_by, one.decided_for) if who is not None}
    asked = WaitingStep(
        waits.step, purchase.requested_by, frozenset(taken), self_approval=purchase.currency.strip() in self_approval
    )
    try:
        decider_of(asked, Candidate(principal.person_id, principal.permissions), standing)
    except Forbidden as refused:
        if refused.code == "self_approval":
            return page_request.t("approvals.own")
        if refused.code == "decided_before":
            return page_request.t("approvals.decided_before")
        return page_request.t("approvals.not_your_step", who=who_decides(page_request, waits.step))
    return ""


def _steps(page_request: PageRequest, purchase: PurchaseView) -> tuple[StepShown, ...]:
    """Shown where there are several."""
    waits = purchase.waits_for
    if len(purchase.approval_steps) < 2:
        return ()
    return tuple(_step_shown(page_request, one, now=one is waits) for one in purchase.approval_steps)


def _step_shown(page_request: PageRequest, step: ApprovalStepView, *, now: bool) -> StepShown:
    who, name, other = who_decides(page_request, step.step), step.decided_by_name or "", step.decided_for_name or ""
    if step.decision is None:
        if now:
            return StepShown(page_request.t("approvals.step_waits", who=who), "now")
        return StepShown(page_request.t("approvals.step_later", who=who), "later")
    if other:
        text = page_request.t("approvals.step_approved_for", who=who, name=name, other=other)
    else:
        text = page_request.t("approvals.step_approved", who=who, name=name)
    return StepShown(text, "done", step.reason or "")


def _deputy(page_request: PageRequest, one: DeputyView) -> DeputyShown:
    names = {"deputy": one.deputy_name, "person": one.person_name}
    principal = page_request.principal
    return DeputyShown(
        id=str(one.id),
        text=page_request.t("approvals.stands_in", **names),
        starts_on=one.starts_on,
        ends_on=one.ends_on,
        confirm=page_request.t("approvals.end_confirm", **names),
        may_end=one.person_id == principal.person_id or principal.may(MANAGE),
    )


def _colleagues(page_request: PageRequest, uow: UnitOfWork) -> tuple[Choice, ...]:
    return tuple(
        Choice(str(one.person_id), one.name)
        for one in list_members(uow)
        if one.state == "active" and one.person_id != page_request.principal.person_id and holds(one.roles, READS)
    )


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


routes = [inbox, approve, reject, add_deputy, end_deputy]
