"""Halls, booths and badges in the reader's words, as visitors see them."""

from __future__ import annotations

from uuid import UUID

import segno

from api.pages.frame import addresses, hall_addresses
from api.pages.frame.choices import Choice
from api.pages.frame.site import PageRequest
from api.pages.halls.views import (
    AgendaRow,
    BadgePage,
    BadgeTyped,
    BoothItem,
    BoothPage,
    ExchangeItem,
    HallItem,
    HallPage,
    ShownVideo,
)
from api.pages.products.presenter import product_items
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.principal import PrincipalKind
from marketplace.catalog.queries import list_listings_by_id
from marketplace.halls.consent_text import CONSENT_VERSION, consent_text
from marketplace.halls.queries import AgendaView, BoothView, HallView, agenda_of, booths_of, get_booth, get_hall
from marketplace.halls.register import CODE_LENGTH, find_own_badge
from marketplace.halls.save_hall import OPERATOR_PERMISSION, PERMISSION
from marketplace.halls.visitor_queries import (
    BadgeView,
    GivenView,
    exchanges_of_badge,
    get_hall_of_badge,
    get_own_badge,
)
from marketplace.videos.queries import summaries_of

QR_SCALE = 5
_GROUP = 4


def hall_item(page_request: PageRequest, hall: HallView) -> HallItem:
    """As it is shown."""
    return HallItem(
        str(hall.id),
        page_request.pick(hall.title, hall.title_en),
        hall.organizer_name,
        page_request.pick(hall.about, hall.about_en),
        hall.phase,
        hall.visibility,
        hall.opens_at,
        hall.closes_at,
    )


def booth_item(page_request: PageRequest, booth: BoothView, address: str) -> BoothItem:
    """As it is shown."""
    return BoothItem(
        str(booth.id),
        booth.position,
        booth.exhibitor_name,
        booth.state,
        page_request.pick(booth.words, booth.words_en),
        len(booth.listing_ids) + len(booth.video_ids),
        address,
    )


def agenda_rows(page_request: PageRequest, uow: UnitOfWork, agenda: tuple[AgendaView, ...]) -> tuple[AgendaRow, ...]:
    """As it is shown; a video that is watched no more is left out."""
    known = summaries_of(uow, [one.video_id for one in agenda if one.video_id is not None])
    return tuple(
        AgendaRow(
            str(one.id),
            one.starts_at,
            one.ends_at,
            page_request.pick(one.title, one.title_en),
            one.speaker,
            addresses.video(str(one.video_id)) if one.video_id in known else "",
        )
        for one in agenda
    )


def hall_page(page_request: PageRequest, hall_id: UUID) -> HallPage:
    """A hall. Raises NotFound(`hall_not_found`)."""
    with page_request.work() as uow:
        hall = get_hall(uow, hall_id)
        booths, agenda = booths_of(uow, hall_id), agenda_rows(page_request, uow, agenda_of(uow, hall_id))
        badge = find_own_badge(uow, hall_id)
    return HallPage(
        hall_item(page_request, hall),
        tuple(booth_item(page_request, one, hall_addresses.booth(str(one.id))) for one in booths),
        agenda,
        zone=page_request.time_zone,
        badge=badge is not None,
        is_own=hall.org_id == page_request.principal.org_id,
    )


def booth_page(page_request: PageRequest, booth_id: UUID) -> BoothPage:
    """A booth. Raises NotFound(`booth_not_found`)."""
    with page_request.work() as uow:
        found = get_booth(uow, booth_id)
        booth = found.booth
        listings = list_listings_by_id(uow, booth.listing_ids)
        on_sale = [listings[one] for one in booth.listing_ids if one in listings]
        products = product_items(page_request, uow, on_sale)
        videos = summaries_of(uow, booth.video_ids)
        badge = find_own_badge(uow, found.hall.id)
        given = [one for one in exchanges_of_badge(uow, badge.id) if one.booth_id == booth_id] if badge else []
    return BoothPage(
        hall=hall_item(page_request, found.hall),
        id=str(booth.id),
        exhibitor=booth.exhibitor_name,
        words=page_request.pick(booth.words, booth.words_en),
        channel=addresses.channel(str(booth.channel_id)) if booth.channel_id else "",
        products=products,
        videos=tuple(
            ShownVideo(page_request.pick(videos[one].title, videos[one].title_en), addresses.video(str(one)))
            for one in booth.video_ids
            if one in videos
        ),
        consent=consent_text("exchange", page_request.language, booth.exhibitor_name),
        consent_version=CONSENT_VERSION,
        badge=badge is not None,
        is_own=booth.exhibitor_org_id == page_request.principal.org_id,
        exchange=given[0].state if given else "",
        choices=tuple(Choice(str(one.id), page_request.pick(one.title, one.title_en)) for one in on_sale),
    )


def badge_page(page_request: PageRequest, hall_id: UUID) -> BadgePage:
    """The reader's badge, or the form that registers. Raises NotFound(`hall_not_found`)."""
    signed_in = page_request.signed_in
    with page_request.work() as uow:
        try:
            badge: BadgeView | None = get_own_badge(uow, hall_id)
        except NotFound:
            badge = None
        hall = get_hall_of_badge(uow, hall_id) if badge is not None else get_hall(uow, hall_id)
        exchanges = exchanges_of_badge(uow, badge.id) if badge is not None else []
    typed = BadgeTyped(
        name=signed_in.person_name if signed_in else "",
        company=signed_in.organization.display_name if signed_in else "",
    )
    view = BadgePage(
        hall=hall_item(page_request, hall),
        typed=typed,
        consent=consent_text("registration", page_request.language, hall.organizer_name),
        consent_version=CONSENT_VERSION,
    )
    return _with_badge(page_request, view, badge, exchanges) if badge is not None else view


def may_organize(page_request: PageRequest) -> bool:
    """Whether the reader's organization may open a hall by this reader."""
    principal, signed_in = page_request.principal, page_request.signed_in
    if principal.kind is PrincipalKind.OPERATOR:
        return principal.may(OPERATOR_PERMISSION)
    return signed_in is not None and signed_in.organization.is_seller and principal.may(PERMISSION)


def spaced(code: str) -> str:
    """A code as people read it out."""
    return "-".join(code[at : at + _GROUP] for at in range(0, CODE_LENGTH, _GROUP))


def _with_badge(page_request: PageRequest, view: BadgePage, badge: BadgeView, exchanges: list[GivenView]) -> BadgePage:
    address = f"{page_request.services.settings.public_url.rstrip('/')}{hall_addresses.badge(badge.code)}"
    drawn = segno.make(address, error="m", micro=False)
    return BadgePage(
        hall=view.hall,
        typed=BadgeTyped(badge.name, badge.company, badge.job_title, badge.email, badge.phone),
        consent=view.consent,
        consent_version=view.consent_version,
        code=spaced(badge.code),
        # A light ground with its quiet zone, or a dark page's camera reads nothing.
        qr_code=drawn.svg_inline(scale=QR_SCALE, border=4, dark="#000", light="#fff"),
        contact=tuple(one for one in (badge.name, badge.company, badge.job_title, badge.email, badge.phone) if one),
        agreed=badge.consent_text or "",
        exchanges=tuple(
            ExchangeItem(
                str(one.id),
                one.exhibitor_name,
                one.state,
                one.by_exhibitor,
                one.given_at or one.created_at,
                hall_addresses.booth(str(one.booth_id)),
                addresses.request(str(one.lead_id)) if one.lead_id else "",
            )
            for one in exchanges
        ),
        exchange_consent=consent_text("exchange", page_request.language, page_request.t("halls.the_exhibitor")),
    )
