"""Notifications: read, opened, and how one would like to be told; and the link by which a reader wants no more mails."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Response, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, QueryParameter

from api.auth import PUBLIC, SIGNED_IN
from api.pages.frame import addresses
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.notifications.views import NotificationItem, NotificationsView, PreferencesView, UnsubscribeView
from api.v1.notifications import choose, open_own
from kernel.errors import DomainError
from marketplace.access.authenticate import PRE_AUTH
from marketplace.mail.bounces import find_bounces
from marketplace.notifications.kinds import GROUPS
from marketplace.notifications.mark_read import mark_all_read, mark_read
from marketplace.notifications.preferences import list_preferences, open_unsubscribe_link, unsubscribe
from marketplace.notifications.queries import count_unread, list_notifications

PAGE = 30
Answer = Response[str] | Response[bytes]


@page(addresses.NOTIFICATIONS, SIGNED_IN)
def show_notifications(page_request: Given[PageRequest]) -> Response[str]:
    """What the visitor was told, the newest first."""
    only_unread = page_request.query("show") == "unread"
    cursor = page_request.query("cursor", most=200) or None
    with page_request.work() as uow:
        found = list_notifications(uow, locale=page_request.language, unread=only_unread, cursor=cursor, limit=PAGE)
        unread = count_unread(uow, page_request.principal)
    items = tuple(
        NotificationItem(str(one.id), one.title, one.text, one.action, one.is_read, one.created_at)
        for one in found.items
    )
    show = "unread" if only_unread else None
    more = addresses.next_page(addresses.NOTIFICATIONS, found.next_cursor, show=show)
    return page_request.render(NotificationsView(items, unread, only_unread, more))


@form_post("/notifications/{notification_id:uuid}/open", SIGNED_IN)
def open_notification(
    notification_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[bytes]:
    """Go to the page on which to act; it is read then."""
    del form
    row = page_request.transact(lambda uow: open_own(uow, notification_id, page_request.language))
    return page_request.redirect(row.path)


@form_post("/notifications/{notification_id:uuid}/read", SIGNED_IN)
def read_notification(
    notification_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[bytes]:
    """Mark it as read."""
    del form
    page_request.transact(lambda uow: mark_read(uow, notification_id))
    return page_request.redirect_back(addresses.NOTIFICATIONS)


@form_post(addresses.NOTIFICATIONS_READ_ALL, SIGNED_IN)
def read_all(page_request: Given[PageRequest], form: Given[Form]) -> Response[bytes]:
    """Mark all of them as read."""
    del form
    page_request.transact(mark_all_read)
    return page_request.redirect(addresses.NOTIFICATIONS, notice="notifications_read")


@page(addresses.NOTIFICATION_PREFERENCES, SIGNED_IN)
def show_preferences(page_request: Given[PageRequest]) -> Response[str]:
    """How the visitor is told, group by group."""
    return page_request.render(_preferences(page_request))


@form_post(addresses.NOTIFICATION_PREFERENCES, SIGNED_IN)
def change_preferences(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Keep the chosen level of each group that was sent."""
    try:
        levels = {name: form.text(name, most=20) for name in GROUPS if form.text(name, most=20)}
        page_request.transact(lambda uow: choose(uow, levels))
    except DomainError as refused:
        return page_request.render(_preferences(page_request, failure(page_request, refused)), status=422)
    return page_request.redirect(addresses.NOTIFICATION_PREFERENCES, notice="notification_preferences_saved")


def _preferences(page_request: PageRequest, error: str = "") -> PreferencesView:
    with page_request.work() as uow:
        found = list_preferences(uow, uow.principal.person())
        email = page_request.signed_in.email if page_request.signed_in else ""
        bounce = find_bounces(uow, {email}).get(email)
    found = [one for one in found if _concerns(page_request, one.group)]
    return PreferencesView(tuple(found), email, bounce.reason if bounce else None, error)


def _concerns(page_request: PageRequest, group: str) -> bool:
    """Whether anything of the group can come to the visitor here; what they chose for the others stays."""
    if group == "operations":
        return page_request.principal.is_platform
    sells = page_request.signed_in is not None and page_request.signed_in.organization.is_seller
    return sells or group not in ("sales", "leads", "listings")


@page(addresses.UNSUBSCRIBE, PUBLIC)
def show_unsubscribe(page_request: Given[PageRequest]) -> Response[str]:
    """Asks first: programs that look at every link in a mail must not decide for its reader (RFC 8058 §2)."""
    token = page_request.query("token", most=1_000)
    with page_request.request.transaction(acting_as=PRE_AUTH) as uow:
        found = open_unsubscribe_link(uow, page_request.services.signer, token)
    return page_request.render(UnsubscribeView(found.group, found.email, token))


@post(addresses.UNSUBSCRIBE, permission=PUBLIC, include_in_schema=False, sync_to_thread=True, status_code=200)
def end_mails(
    page_request: Given[PageRequest], token: Annotated[str, QueryParameter(max_length=1_000)] = ""
) -> Response[str]:
    """No more mails of the group: by the button, or by the one click of a mail program, which knows no form token (RFC 8058).

    The link's own signature is what authorizes it.
    """
    signer = page_request.services.signer
    found = page_request.request.transact(lambda uow: unsubscribe(uow, signer, token), acting_as=PRE_AUTH)
    return page_request.render(UnsubscribeView(found.group, found.email, token, is_done=True))


routes = [
    show_notifications,
    open_notification,
    read_notification,
    read_all,
    show_preferences,
    change_preferences,
    show_unsubscribe,
    end_mails,
]
