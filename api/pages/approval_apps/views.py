"""Approval outside, as its settings show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from api.pages.frame.approval_app_addresses import SETTINGS


@dataclass(frozen=True, slots=True)
class AppTyped:
    """What the form holds; never a secret."""

    provider: str = "dingtalk"
    corp_id: str = ""
    client_id: str = ""
    template_code: str = ""
    form_field: str = ""
    approver_node: str = ""
    requester_user_id: str = ""


@dataclass(frozen=True, slots=True)
class AppMemberShown:
    """A member and their user id there."""

    id: str
    name: str
    email: str
    user_id: str


@dataclass(frozen=True, slots=True)
class CallbackShown:
    """A message of the provider's as a sentence."""

    at: datetime
    text: str
    counted: bool


@dataclass(frozen=True, slots=True)
class ApprovalAppView:
    """The app with what it asks, who is asked, and what came back."""

    template: ClassVar[str] = "approval_apps/settings.html"
    active: ClassVar[str] = "approval_app"
    address: ClassVar[str] = SETTINGS

    typed: AppTyped
    is_set: bool = False
    provider_name: str = ""
    callback_url: str = ""
    tested_at: datetime | None = None
    members: tuple[AppMemberShown, ...] = ()
    callbacks: tuple[CallbackShown, ...] = ()
    error: str = ""
    error_field: str = ""
