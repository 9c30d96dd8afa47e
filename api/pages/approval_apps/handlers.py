"""Approval outside: an organization's app is connected, tested and disconnected, its members named, and what came back seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from litestar import Response
from litestar.di import NamedDependency as Given

from api.pages.approval_apps.views import AppMemberShown, ApprovalAppView, AppTyped, CallbackShown
from api.pages.frame.approval_app_addresses import SETTINGS, act
from api.pages.frame.outside_words import provider_name, reason_text
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.problems import headers_of
from api.v1.approval_apps import callback_url, check_app
from kernel.errors import DomainError, NotFound
from orders.approval_apps.connect import MANAGE, ConnectApp, connect_app, disconnect_app, forget_member, name_member
from orders.approval_apps.queries import AppView, CallbackView, app_members, app_view, last_callbacks

Answer = Response[str] | Response[bytes]


@page(SETTINGS, MANAGE)
def show_app(page_request: Given[PageRequest]) -> Answer:
    """How approvals are asked outside."""
    return page_request.render(_view(page_request))


@form_post(SETTINGS, MANAGE)
def save_app(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Connect the app, or change how."""
    typed = AppTyped(**{name: form.text(name, most=100) for name in asdict(AppTyped())})
    secrets = {name: form.text(name, most=200) for name in ("client_secret", "callback_token", "callback_key")}
    command = ConnectApp(**asdict(typed), **secrets)
    box = page_request.services.secrets
    return _done(
        page_request, lambda: page_request.transact(lambda uow: connect_app(uow, box, command)), "saved", typed=typed
    )


@form_post(act("test"), MANAGE)
def ask_provider(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Ask the provider whether it takes the credentials."""
    del form
    return _done(page_request, lambda: check_app(page_request.request), "tested")


@form_post(act("disconnect"), MANAGE)
def disconnect(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Ask nothing there any more."""
    del form
    return _done(page_request, lambda: page_request.transact(disconnect_app), "disconnected")


@form_post(act("members"), MANAGE)
def save_member(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Say by which user id a member is known there; an empty one is nobody's."""
    member_id, user_id = parse_uuid_or_404(form.text("member_id", most=36)), form.text("user_id", most=64)

    def save() -> None:
        if user_id:
            page_request.transact(lambda uow: name_member(uow, member_id, user_id))
        else:
            page_request.transact(lambda uow: forget_member(uow, member_id))

    return _done(page_request, save, "member_saved")


def _done(page_request: PageRequest, work: Callable[[], object], notice: str, **typed: Any) -> Answer:
    try:
        work()
    except NotFound:
        raise
    except DomainError as refused:
        view = replace(
            _view(page_request),
            error=failure(page_request, refused),
            error_field=getattr(refused, "field", None) or "",
            **typed,
        )
        return page_request.render(view, status=refused.status, headers=headers_of(refused))
    return page_request.redirect(SETTINGS, notice=f"approval_app_{notice}")


def _view(page_request: PageRequest) -> ApprovalAppView:
    with page_request.work() as uow:
        try:
            app = app_view(uow)
        except NotFound:
            return ApprovalAppView(AppTyped())
        members, callbacks = app_members(uow), last_callbacks(uow)
    return ApprovalAppView(
        typed=AppTyped(
            app.provider,
            app.corp_id,
            app.client_id,
            app.template_code,
            app.form_field,
            app.approver_node or "",
            app.requester_user_id,
        ),
        is_set=True,
        provider_name=provider_name(page_request, app.provider),
        callback_url=callback_url(page_request.request, app.id),
        tested_at=app.tested_at,
        members=tuple(AppMemberShown(str(one.member_id), one.name, one.email, one.user_id or "") for one in members),
        callbacks=tuple(_callback(page_request, app, one) for one in callbacks),
    )


def _callback(page_request: PageRequest, app: AppView, one: CallbackView) -> CallbackShown:
    if one.kind is None:
        return CallbackShown(one.received_at, page_request.t("approval_apps.nothing_said"), counted=False)
    who, name = one.person_name or one.user_id or "?", provider_name(page_request, app.provider)
    text = page_request.t(f"approval_apps.did.{one.kind}", who=who, provider=name)
    if one.outcome == "not_counted":
        text = page_request.t("approval_apps.not_counted", done=text, reason=reason_text(page_request, one.reason))
    return CallbackShown(one.received_at, text, counted=one.outcome == "counted")


routes = [show_app, save_app, ask_provider, disconnect, save_member]
