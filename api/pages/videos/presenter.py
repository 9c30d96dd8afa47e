"""The seller's videos: list, editor of cards and claims, what keeps one from being published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from api.context import Services
from api.media_addresses import Thumbnail, captions_address, cover_address, media_address, thumbnail
from api.pages.feed.views import verdict_of
from api.pages.frame.phrases import blocked, figure, money, priced, reason
from api.pages.frame.prices import parse_amount
from api.pages.frame.site import Form, PageRequest
from api.pages.frame.typed_numbers import plain, whole_number
from api.pages.seller.presenter import NO_REACH, funnel
from api.pages.videos.chapter_lines import write_chapters
from api.pages.videos.views import (
    CaptionsItem,
    EditableClaim,
    PartnerItem,
    PlacementItem,
    PlanOption,
    SellerVideoView,
    Typed,
    VideoItem,
)
from kernel.errors import Invalid
from kernel.ids import parse_uuid
from marketplace.access.find_organizations import SHORTEST, find_named
from marketplace.attribution.reach import Reach
from marketplace.catalog.plan_terms import MAX_FIGURE
from marketplace.catalog.queries import ListingView, PlanView
from marketplace.discovery.cards import Card, ClaimView
from marketplace.placements.claim_checks import USAGE
from marketplace.publishing.edit_placements import AddClaim
from marketplace.publishing.queries import VideoDetail
from marketplace.publishing.queries import VideoRow as OwnVideo
from marketplace.videos.captions.check_captions import LANGUAGES
from marketplace.videos.captions.edit_captions import CaptionTrack
from marketplace.videos.media.receive_media import REPLACEABLE
from orders.seller_queries import VideoSales

MS = 1000
FIELD = "%Y-%m-%dT%H:%M"
"""A moment as a browser's field says it."""


def _poster(services: Services, row: OwnVideo) -> str:
    if not row.has_cover:
        return ""
    return cover_address(services, row.id, row.media_version, is_public=row.is_public, width=960)


def _thumbnail(services: Services, row: OwnVideo) -> Thumbnail | None:
    if not row.has_cover:
        return None
    return thumbnail(services, row.id, row.media_version, is_public=row.is_public)


def video_row(page_request: PageRequest, row: OwnVideo, sales: Iterable[VideoSales]) -> VideoItem:
    """A video in its owner's list. Money of the currency that sold most."""
    sold = sorted(sales, key=lambda one: one.orders, reverse=True)
    return VideoItem(
        id=str(row.id),
        title=page_request.pick(row.title, row.title_en),
        poster=_thumbnail(page_request.services, row),
        state=row.state,
        duration_s=(row.duration_ms or 0) // MS,
        placements=row.placements,
        views=row.views,
        orders=sum(one.orders for one in sold),
        money=money(sold[0].gross_minor, sold[0].currency) if sold else None,
        created_at=row.created_at,
        refusal=_refusal(page_request, row),
        publish_at=row.publish_at,
    )


Offered = Mapping[UUID, Mapping[str, Mapping[str, Any]]]
"""What plans give, by plan and by the feature's key."""


def video_view(
    page_request: PageRequest,
    detail: VideoDetail,
    plans: tuple[PlanOption, ...],
    features: tuple[PlanOption, ...],
    reach: Reach | None,
    sales: list[VideoSales],
    refused: tuple[str, Typed] | None,
    offered: Offered,
) -> SellerVideoView:
    """One video of one's own with its editor."""
    row, zone = detail.row, ZoneInfo(page_request.time_zone)
    cards = {card.placement_id: card for card in detail.cards}
    src = ""
    if row.duration_ms is not None:
        src = media_address(page_request.services, row.id, row.media_version, is_public=row.is_public)
    seen = reach or NO_REACH
    # While the file is awaited or examined that alone is said; what else is missing can be mended meanwhile.
    blockers = [one for one in detail.blockers if one.code != "video_not_ready"]
    return SellerVideoView(
        id=str(row.id),
        title=page_request.pick(row.title, row.title_en),
        state=row.state,
        src=src,
        poster=_poster(page_request.services, row),
        width=row.width or 0,
        height=row.height or 0,
        duration_s=(row.duration_ms or 0) // MS,
        codecs=" · ".join(name for name in (detail.video_codec, detail.audio_codec) if name),
        size_bytes=detail.media_bytes or 0,
        visibility=row.visibility,
        placements=tuple(_placement(page_request, card) for card in detail.cards),
        claims=tuple(_claim(page_request, claim, cards, offered) for claim in detail.claims),
        plans=plans,
        features=features,
        blockers=tuple(reason(page_request, one.code, one.params) for one in blockers),
        refusal=_refusal(page_request, row),
        error=refused[0] if refused else None,
        typed=refused[1] if refused else Typed(),
        funnel=funnel(seen, sales) if row.state in {"published", "withdrawn"} else (),
        may_replace=row.state in REPLACEABLE,
        captions=tuple(_captions(page_request.services, row, track) for track in detail.captions),
        partners=tuple(PartnerItem(str(one.id), one.name) for one in detail.partners),
        publish_at=row.publish_at,
        publish_at_field=row.publish_at.astimezone(zone).strftime(FIELD) if row.publish_at else "",
        time_zone=page_request.time_zone,
        publish_refusal=_publish_refusal(page_request, row),
        cover_pending=row.cover_pending,
        cover_refusal=blocked(page_request, row.cover_refused_code, {}) if row.cover_refused_code else "",
        chapters=write_chapters(detail.chapters),
        languages=tuple(PlanOption(language, name) for language, name in LANGUAGES.items()),
    )


def _publish_refusal(page_request: PageRequest, row: OwnVideo) -> str:
    if row.publish_refused_code is None:
        return ""
    return blocked(page_request, row.publish_refused_code, row.publish_refused_params or {})


def moment_of(form: Form, name: str, time_zone: str) -> datetime:
    """A day and time as a field has them, on the clocks of `time_zone`. Raises Invalid(`validation_failed`)."""
    try:
        return datetime.strptime(form.text(name, most=16), FIELD).replace(tzinfo=ZoneInfo(time_zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Invalid("validation_failed", field=name) from error


def partners_of(page_request: PageRequest, form: Form) -> list[UUID]:
    """Organizations by number, legal name or tax identifier, one on a line. Each lookup is committed: it counts.

    Raises:
        Invalid: `partner_unknown`, `partner_ambiguous` with the `names` to choose from. TooMany: `lookups_too_often`.
    """
    # What a line break is stays to be seen here: a form's single values have none, and names have spaces.
    return [
        _named(page_request, line, "partner_unknown")
        for line in form.values.get("partners", "")[:5_000].splitlines()
        if line.strip()
    ]


def named_organization(page_request: PageRequest, typed: str) -> UUID:
    """One organization, as `partners_of`; Invalid `organization_unknown` where it is none."""
    return _named(page_request, typed, "organization_unknown")


def _named(page_request: PageRequest, typed: str, unknown: str) -> UUID:
    known = parse_uuid(typed.strip())
    if known is not None:
        return known
    found = page_request.transact(lambda uow: find_named(uow, typed)) if len(typed.strip()) >= SHORTEST else ()
    if not found:
        raise Invalid(unknown, field="partners", partner=typed.strip()[:60])
    if len(found) > 1:
        names = " · ".join(f"{one.legal_name} ({one.id})" for one in found)
        raise Invalid("partner_ambiguous", field="partners", partner=typed.strip()[:60], names=names)
    return found[0].id


def _captions(services: Services, row: OwnVideo, track: CaptionTrack) -> CaptionsItem:
    address = captions_address(services, row.id, row.media_version, track, is_public=row.is_public)
    return CaptionsItem(track.language, track.name, address)


def plan_options(page_request: PageRequest, found: Iterable[tuple[ListingView, PlanView]]) -> tuple[PlanOption, ...]:
    """Plans that may be put on a card, with listing, name and price."""
    return tuple(
        PlanOption(
            str(plan.id),
            f"{page_request.pick(listing.title, listing.title_en)} · {page_request.pick(plan.name, plan.name_en)} · "
            + priced(page_request, plan.unit_price_minor, plan.currency, plan.price_unit, plan.pricing),
        )
        for listing, plan in found
    )


def feature_options(
    page_request: PageRequest, found: Iterable[tuple[ListingView, PlanView]], plan_ids: set[UUID]
) -> tuple[PlanOption, ...]:
    """What the placed plans give, as it is entered in a claim: the key, and its figure where it has one."""
    offered: dict[str, str] = {}
    for _, plan in found:
        if plan.id in plan_ids:
            for one in plan.features:
                figure = "" if one.get("value") is None else f" {one['value']}"
                offered.setdefault(f"{one['key']}{figure}", page_request.pick(one["zh"], one["en"]))
    return tuple(PlanOption(key, name) for key, name in offered.items())


def claim_of(form: Form, detail: VideoDetail) -> AddClaim:
    """The claim that a form describes, about the card named in it or else the one shown at its second.

    Raises:
        Invalid: `claim_price_by_usage`, `claim_value_missing`, `number_out_of_range`, `claim_needs_card`, `validation_failed`.
    """
    at_ms = form.number("second", most=86_400) * MS
    card = _card_at(detail, at_ms, form.text("placement_id", most=40))
    kind, value, text = form.text("kind", most=40), plain(form.text("value", most=80)), form.text("text", most=200)
    if kind == "price":
        if card.price_unit == USAGE:
            raise Invalid("claim_price_by_usage", field="value")
        minor = _minor(value, card.currency)
        return AddClaim(
            card.placement_id,
            kind,
            at_ms,
            text,
            text,
            value_int=minor,
            currency=card.currency.strip(),
            unit=card.price_unit,
        )
    if kind in {"feature", "service_level"}:
        key, _, figure = value.partition(" ")
        said = _whole(figure.split()[0]) if figure.strip() else None
        return AddClaim(card.placement_id, kind, at_ms, text, text, value_int=said, value_text=key)
    return AddClaim(card.placement_id, kind, at_ms, text, text, value_int=_whole(value))


def _card_at(detail: VideoDetail, at_ms: int, chosen: str) -> Card:
    if not detail.cards:
        raise Invalid("claim_needs_card", field="placement_id")
    for card in detail.cards:
        if str(card.placement_id) == chosen:
            return card
    shown = [card for card in detail.cards if card.start_ms <= at_ms < card.end_ms]
    nearest = min(detail.cards, key=lambda card: min(abs(card.start_ms - at_ms), abs(card.end_ms - at_ms)))
    return shown[0] if shown else nearest


def _whole(value: str) -> int:
    if not value:
        raise Invalid("claim_value_missing", field="value")
    return whole_number(value, field="value", most=MAX_FIGURE)


def _minor(value: str, currency: str) -> int:
    minor = parse_amount(value, currency.strip())
    if minor is None:
        raise Invalid("claim_value_missing", field="value")
    return minor


def _placement(page_request: PageRequest, card: Card) -> PlacementItem:
    return PlacementItem(
        id=str(card.placement_id),
        from_s=card.start_ms // MS,
        to_s=card.end_ms // MS,
        cta=card.action,
        plan_id=str(card.plan_id),
        listing_name=page_request.pick(card.title, card.title_en),
        plan_name=page_request.pick(card.plan_name, card.plan_name_en),
        price=priced(page_request, card.unit_price_minor, card.currency, card.price_unit, card.pricing),
    )


def _claim(page_request: PageRequest, claim: ClaimView, cards: Mapping[UUID, Card], offered: Offered) -> EditableClaim:
    card = cards.get(claim.placement_id)
    features = offered.get(card.plan_id, {}) if card else {}
    verdict = verdict_of(claim.kind, claim.kept)
    contradiction = ""
    if verdict == "differs":
        title = page_request.pick(card.plan_name, card.plan_name_en) if card else ""
        params = {
            "said": _in_words(page_request, claim.said or "", features),
            "holds": _in_words(page_request, claim.holds or "", features),
            "text": page_request.pick(claim.text, claim.text_en),
        }
        contradiction = f"{title}: {reason(page_request, 'claim_contradicts_plan', params)}" if title else ""
        contradiction = contradiction or blocked(page_request, "claim_contradicts_plan", params)
    return EditableClaim(
        id=str(claim.id),
        second=claim.at_ms // MS,
        kind=claim.kind,
        value=_value(page_request, claim, features),
        text=page_request.pick(claim.text, claim.text_en),
        ok=verdict == "kept",
        contradiction=contradiction,
    )


def _value(page_request: PageRequest, claim: ClaimView, features: Mapping[str, Mapping[str, Any]]) -> str:
    if claim.kind == "price" and claim.value_int is not None and claim.currency and claim.unit:
        return priced(page_request, claim.value_int, claim.currency, claim.unit)
    said = " ".join(str(part) for part in (claim.value_text, claim.value_int) if part is not None)
    return _in_words(page_request, said, features)


def _in_words(page_request: PageRequest, said: str, features: Mapping[str, Mapping[str, Any]]) -> str:
    """A feature's key and figure, as claims are compared, by the name its seller gave it: "Answers within: 5 seconds"."""
    key, _, value = said.partition(" ")
    found = features.get(key)
    if found is None:
        return said
    name = page_request.pick(found["zh"], found["en"])
    return f"{name} ({figure(page_request, int(value), found.get('unit'))})" if value.isdigit() else name


def _refusal(page_request: PageRequest, row: OwnVideo) -> str:
    if row.state != "refused" or row.refused_code is None:
        return ""
    return blocked(page_request, row.refused_code, row.refused_params or {})
