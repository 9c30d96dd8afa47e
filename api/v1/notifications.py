"""What the person who asks was told, and how they would like to be told."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, get, post, put
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta
from pydantic import Field

from api.auth import SIGNED_IN
from api.language import language_of
from api.request import ApiRequest
from api.schema import Out, PageOut, Paging, Wire, list_page
from kernel.db.uow import UnitOfWork
from marketplace.notifications.mark_read import mark_all_read, mark_read
from marketplace.notifications.preferences import Preference, list_preferences, save_preferences
from marketplace.notifications.queries import (
    NotificationRow,
    count_unread,
    get_notification,
    list_notifications,
)

Unread = Annotated[
    bool, QueryParameter(name="unread", required=False, description="Whether to list only what is not read yet")
]


class NotificationOut(Out):
    """One thing told to the person who asks, in the language of the request."""

    id: UUID
    kind: Annotated[str, Meta(examples=["order_active"])]
    title: str
    text: str
    action: Annotated[str, Meta(description="What the way to act on it is called")]
    path: Annotated[str, Meta(description="The page on which to act")]
    is_read: bool
    created_at: datetime

    @classmethod
    def of(cls, row: NotificationRow) -> NotificationOut:
        """From the query's row."""
        return cls.of_row(row)


class UnreadOut(Out):
    """How many are unread; 100 stands for more, too."""

    unread: int


class PreferenceIn(Wire):
    """How one would like to be told of a group."""

    group: Annotated[str, Field(max_length=40)]
    level: Literal["none", "in_app", "digest", "mail"]


class PreferencesIn(Wire):
    """Groups that are not named stay as they are."""

    preferences: Annotated[list[PreferenceIn], Field(max_length=40)]


@get("/v1/notifications", permission=SIGNED_IN, sync_to_thread=True, tags=["notifications"])
def get_notifications(
    request: ApiRequest, paging: Given[Paging], *, unread: Unread = False
) -> Response[PageOut[NotificationOut]]:
    """One's notifications in the organization one acts for, and those about one's account; the newest first."""
    read = partial(list_notifications, locale=language_of(request))
    return list_page(request, paging, read, NotificationOut.of, unread=unread)


@get("/v1/notifications/unread", permission=SIGNED_IN, sync_to_thread=True, tags=["notifications"])
def get_unread_count(request: ApiRequest) -> UnreadOut:
    """How many of them are unread."""
    with request.transaction() as uow:
        return UnreadOut(unread=count_unread(uow, request.principal))


@post(
    "/v1/notifications/{notification_id:uuid}/read",
    permission=SIGNED_IN,
    status_code=200,
    sync_to_thread=True,
    tags=["notifications"],
)
def read_notification(notification_id: FromPath[UUID], request: ApiRequest) -> NotificationOut:
    """Mark one as read. Read already, nothing changes."""
    return NotificationOut.of(request.transact(lambda uow: open_own(uow, notification_id, language_of(request))))


@post("/v1/notifications/read-all", permission=SIGNED_IN, status_code=204, sync_to_thread=True, tags=["notifications"])
def read_all_notifications(request: ApiRequest) -> None:
    """Mark all of them as read."""
    request.transact(mark_all_read)


@get("/v1/notifications/preferences", permission=SIGNED_IN, sync_to_thread=True, tags=["notifications"])
def get_notification_preferences(request: ApiRequest) -> list[Preference]:
    """How one is told, group by group."""
    with request.transaction() as uow:
        return list_preferences(uow, uow.principal.person())


@put(
    "/v1/notifications/preferences",
    permission=SIGNED_IN,
    refuses=[409],
    sync_to_thread=True,
    tags=["notifications"],
)
def update_notification_preferences(data: JSONBody[PreferencesIn], request: ApiRequest) -> list[Preference]:
    """Choose for some groups. What concerns the safety of an account is always told at once."""
    return request.transact(lambda uow: choose(uow, {one.group: one.level for one in data.preferences}))


def open_own(uow: UnitOfWork, notification_id: UUID, locale: str) -> NotificationRow:
    """Mark it as read and return it, for the JSON route and the page alike. Raises as `mark_read`."""
    mark_read(uow, notification_id)
    return get_notification(uow, notification_id, locale)


def choose(uow: UnitOfWork, levels: dict[str, str]) -> list[Preference]:
    """For the JSON route and the page alike. Raises as `save_preferences`."""
    person_id = uow.principal.person()
    save_preferences(uow, person_id, levels)
    return list_preferences(uow, person_id)


routes = [
    get_notifications,
    get_unread_count,
    read_notification,
    read_all_notifications,
    get_notification_preferences,
    update_notification_preferences,
]
