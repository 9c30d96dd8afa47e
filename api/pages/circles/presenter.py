"""Circles in the reader's words."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from api.pages.circles.views import (
    ChannelItem,
    CircleChoices,
    CircleItem,
    CircleLinkPage,
    CircleMemberItem,
    CircleMembersPage,
    CirclePage,
    CircleSettingsPage,
    CirclesView,
    CircleTyped,
    CircleVideoItem,
    PostCard,
    PostItem,
)
from api.pages.frame import addresses, circle_addresses
from api.pages.frame.choices import Choice
from api.pages.frame.site import PageRequest
from api.pages.frame.translations import translations
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from marketplace.catalog.queries import list_listings_by_id
from marketplace.circles.access import owner_of
from marketplace.circles.models import JOININGS, KINDS, LEADERS, MODERATIONS, VISIBILITIES
from marketplace.circles.queries import (
    CircleMemberView,
    CirclePostView,
    CircleView,
    followed_channels,
    get_by_link,
    get_circle,
    latest_videos,
    list_circles,
    list_members,
    list_own_circles,
    list_posts,
    marked_posts,
)
from marketplace.videos.queries import summaries_of

MOST_OWN = 100
_SHARED_FIELDS = ("name", "kind", "about", "visibility", "joining", "members", "posts", "state", "role")


def circle_item(view: CircleView) -> CircleItem:
    """As it is shown."""
    return CircleItem(str(view.id), *(getattr(view, name) for name in _SHARED_FIELDS))


def circles_view(page_request: PageRequest) -> CirclesView:
    """Those of the reader, and all that everybody may know of."""
    with page_request.work() as uow:
        found = list_circles(uow, cursor=page_request.query("cursor", most=200) or None)
        own = list_own_circles(uow, limit=MOST_OWN)
    return CirclesView(
        tuple(circle_item(one) for one in found.items),
        tuple(circle_item(one) for one in own.items),
        circle_choices(page_request),
        str(uuid7()),
        next_address=addresses.next_page(circle_addresses.CIRCLES, found.next_cursor),
    )


def circle_page(page_request: PageRequest, circle_id: UUID) -> CirclePage:
    """A circle. Raises as `standing_in`."""
    with page_request.work() as uow:
        view = get_circle(uow, circle_id)
        leads = view.role in LEADERS
        may_read = bool(view.role) or view.visibility == "open" or page_request.principal.is_platform
        base = CirclePage(circle_item(view), leads, may_read, str(uuid7()))
        if not may_read:
            return base
        page = list_posts(uow, circle_id, cursor=page_request.query("cursor", most=200) or None)
        waiting = list_posts(uow, circle_id, waiting=True).items if leads else ()
        marked = marked_posts(uow, circle_id)
        channels, videos = followed_channels(uow, circle_id), latest_videos(uow, circle_id)
        cards = _cards(page_request, uow, (*page.items, *waiting, *marked))
    return CirclePage(
        circle_item(view),
        leads,
        may_read,
        str(uuid7()),
        posts=_posts(view, page.items, cards),
        waiting=_posts(view, waiting, cards),
        marked=_posts(view, marked, cards),
        channels=tuple(
            ChannelItem(str(one.id), page_request.pick(one.name, one.name_en), addresses.channel(str(one.id)))
            for one in channels
        ),
        videos=tuple(
            CircleVideoItem(page_request.pick(one.title, one.title_en), addresses.video(str(one.id)), one.published_at)
            for one in videos
        ),
        waiting_members=view.waiting_members,
        listed=view.listed,
        next_address=addresses.next_page(circle_addresses.circle(circle_id), page.next_cursor),
    )


def members_page(page_request: PageRequest, circle_id: UUID) -> CircleMembersPage:
    """Who is in it. Raises as `list_members`."""
    with page_request.work() as uow:
        view = get_circle(uow, circle_id)
        leads = view.role in LEADERS
        page = list_members(uow, circle_id, cursor=page_request.query("cursor", most=200) or None)
        asked = list_members(uow, circle_id, asked=True, limit=MOST_OWN).items if leads else ()
    return CircleMembersPage(
        circle_item(view),
        leads,
        tuple(member_item(one) for one in page.items),
        tuple(member_item(one) for one in asked),
        view.listed,
        whole_link(page_request, view.code),
        addresses.next_page(circle_addresses.circle(circle_id, "/members"), page.next_cursor),
    )


def settings_page(page_request: PageRequest, circle_id: UUID) -> CircleSettingsPage:
    """What it is, for its owner. Raises as `owner_of`."""
    with page_request.work() as uow:
        owner_of(uow, circle_id)
        view = get_circle(uow, circle_id)
    typed = CircleTyped(view.name, view.kind, view.about, view.visibility, view.joining, view.moderation)
    return CircleSettingsPage(
        circle_item(view), circle_choices(page_request), typed, whole_link(page_request, view.code)
    )


def link_page(page_request: PageRequest, code: str) -> CircleLinkPage:
    """The circle whose link it is. Raises as `standing_in`."""
    with page_request.work() as uow:
        return CircleLinkPage(circle_item(get_by_link(uow, code)), code)


def circle_choices(page_request: PageRequest) -> CircleChoices:
    """What its settings may be."""
    words = translations(page_request.language)

    def choices(kind: str, values: Iterable[str]) -> tuple[Choice, ...]:
        return tuple(Choice(one, words.word(kind, one)) for one in values)

    return CircleChoices(
        choices("circle_kind", KINDS),
        choices("circle_visibility", VISIBILITIES),
        choices("circle_joining", JOININGS),
        choices("circle_moderation", MODERATIONS),
    )


def member_item(view: CircleMemberView) -> CircleMemberItem:
    """As its readers see it."""
    return CircleMemberItem(
        str(view.id), view.person_name, view.org_name, view.role, view.state, view.joined_at or view.created_at
    )


def whole_link(page_request: PageRequest, code: str | None) -> str:
    """A circle's link as it is sent to people; nothing for whoever may not read it."""
    if code is None:
        return ""
    return f"{page_request.services.settings.public_url.rstrip('/')}{circle_addresses.link(code)}"


def _cards(page_request: PageRequest, uow: UnitOfWork, posts: Iterable[CirclePostView]) -> dict[UUID, PostCard]:
    """The videos and products of posts that the reader may see, by the id of each."""
    found = list(posts)
    videos = summaries_of(uow, {one.video_id for one in found if one.video_id is not None})
    listings = list_listings_by_id(uow, {one.listing_id for one in found if one.listing_id is not None})
    cards = {
        id_: PostCard(page_request.pick(one.title, one.title_en), addresses.video(str(id_)), is_video=True)
        for id_, one in videos.items()
    }
    return cards | {
        id_: PostCard(page_request.pick(one.title, one.title_en), addresses.product(str(id_)), is_video=False)
        for id_, one in listings.items()
    }


def _posts(view: CircleView, posts: Iterable[CirclePostView], cards: dict[UUID, PostCard]) -> tuple[PostItem, ...]:
    leads = view.role in LEADERS
    return tuple(
        PostItem(
            str(one.id),
            one.author,
            one.org_name,
            one.role,
            one.text,
            next((cards[id_] for id_ in (one.video_id, one.listing_id) if id_ is not None and id_ in cards), None),
            one.state,
            one.marked,
            one.own,
            leads and one.state == "shown" and (view.kind == "community" or _is_lesson(view, one)),
            one.created_at,
        )
        for one in posts
    )


def _is_lesson(view: CircleView, post: CirclePostView) -> bool:
    return view.kind == "teaching" and post.video_id is not None
