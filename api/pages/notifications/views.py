"""What a person was told, and how they would like to be told, as pages show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from marketplace.notifications.preferences import Preference


@dataclass(frozen=True, slots=True)
class NotificationItem:
    """One thing told."""

    id: str
    title: str
    text: str
    action: str
    is_read: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class NotificationsView:
    """The list, newest first."""

    template: ClassVar[str] = "notifications/notifications.html"
    active: ClassVar[str] = "notifications"

    items: tuple[NotificationItem, ...]
    unread: int
    only_unread: bool = False
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class PreferencesView:
    """Every group with the level that is chosen."""

    template: ClassVar[str] = "notifications/preferences.html"
    active: ClassVar[str] = "notifications"

    preferences: tuple[Preference, ...]
    email: str
    bounced: str | None = None
    """Why the address takes no mail at present."""
    error: str = ""

    @staticmethod
    def levels(one: Preference) -> tuple[str, ...]:
        """What may be chosen for a group: nothing by mail where none of it is mailed."""
        if one.essential:
            return (one.level,)
        return ("none", "in_app", "digest", "mail") if one.mailed else ("none", "in_app")


@dataclass(frozen=True, slots=True)
class UnsubscribeView:
    """No more mails of a group, by the link in one of them."""

    template: ClassVar[str] = "notifications/unsubscribe.html"
    active: ClassVar[str] = ""

    group: str
    email: str
    token: str
    is_done: bool = False
