"""Products as a page shows them: prices, the videos that show them, how reliably they are delivered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from api.media_addresses import Thumbnail, thumbnail
from api.pages.courses.handlers import episode_items
from api.pages.feedback.handlers import shown_review
from api.pages.frame import addresses
from api.pages.frame.discounts import promotion_in_words
from api.pages.frame.link_preview import LinkPreview, preview_of_page, public_picture
from api.pages.frame.partner_prices import own_price
from api.pages.frame.phrases import money
from api.pages.frame.prices import per_of
from api.pages.frame.site import PageRequest
from api.pages.listings.shown import ShownOff, shown_images, shown_listing
from api.pages.products.views import Delivered, ProductItem, ProductVideo, ProductView
from fulfillment.courses.queries import courses_among, get_course
from fulfillment.customer_reviews.queries import reviews_of
from kernel.db.uow import UnitOfWork
from marketplace.catalog.plan_price import plan_price
from marketplace.catalog.queries import ListingView, PlanView
from marketplace.discovery.showings import Showing, showings_of
from marketplace.pricing.engine import price_term
from marketplace.questions.queries import questions_of
from marketplace.relations.tier_prices import ShownPrice, shown_prices
from orders.coupons.promotions import PromotionView, best_promotion, promotions_of
from orders.delivery_record import delivery_record
from orders.trials.take_trial import has_tried

VIDEOS = 12
"""How many of the videos that show a product its page names."""
LATEST = 3
"""How many of its reviews and questions its page shows."""


def product_view(
    page_request: PageRequest, uow: UnitOfWork, listing: ListingView, share: str | None = None
) -> ProductView:
    """A product's page, read in the reader's transaction; `share`: of the link by which it was opened."""
    showings = showings_of(uow, [listing.id], most=VIDEOS).get(listing.id, [])
    on_sale = listing.state == "published"
    own_prices = shown_prices(uow, [listing.id]) if on_sale else {}
    fewest = {plan_id: one.min_quantity for plan_id, one in own_prices.items()}
    promotions = _better(_promotions(uow, listing, fewest), own_prices)
    record = delivery_record(uow, listing.id)
    reader = page_request.principal.org_id
    own = listing.org_id == reader
    may_be_tried = any(plan.trial_days for plan in listing.plans) and reader is not None and not own
    is_course = listing.kind == "service" and bool(courses_among(uow, [listing.id]))
    return ProductView(
        id=str(listing.id),
        seller_id=str(listing.org_id),
        shown=shown_listing(page_request, uow, listing, _off(promotions, own_prices, fewest)),
        picture=_picture(page_request, listing, showings),
        videos=tuple(_video(page_request, one) for one in showings),
        delivered=Delivered(record.ended, record.delivered, record.share_ppm),
        tried=may_be_tried and has_tried(uow, page_request.principal.organization(), listing.id),
        rating_tenths=listing.rating_tenths,
        rating_count=listing.rating_count,
        reliability=listing.reliability,
        response_time=listing.response_time,
        reviews=tuple(map(shown_review, reviews_of(uow, listing.id, limit=LATEST).items)),
        questions=tuple(questions_of(uow, listing.id, limit=LATEST).items),
        own_prices={
            str(plan_id): said
            for plan_id, one in own_prices.items()
            if (said := own_price(page_request, one)) is not None
        },
        promotions={
            str(plan.id): promotion_in_words(page_request, best, recurs=plan.term_months > 0)
            for plan, best, _ in promotions
        },
        episodes=episode_items(page_request, get_course(uow, listing.id).episodes) if is_course else (),
        own=own,
        on_sale=listing.state == "published",
        may_allow=not own and page_request.principal.may("members.manage"),
        may_edit=own and page_request.principal.may("catalog.write"),
        preview=_preview(page_request, listing, showings, share)
        if on_sale and listing.visibility == "public"
        else None,
    )


Promoted = tuple[PlanView, PromotionView, int]


def _better(promotions: Sequence[Promoted], own: dict[UUID, ShownPrice]) -> list[Promoted]:
    """Of promotions those that take more off the fewest seats than the reader's tier does, whose price is then not said."""
    left = []
    for plan, best, off in promotions:
        if plan.id in own and own[plan.id].list_minor - own[plan.id].amount_minor >= off:
            continue
        own.pop(plan.id, None)
        left.append((plan, best, off))
    return left


def _off(
    promotions: Sequence[Promoted], own: Mapping[UUID, ShownPrice], fewest: Mapping[UUID, int]
) -> dict[UUID, ShownOff]:
    """What is less than the list price of the fewest seats, by the plan: by a promotion, or as a partner."""
    less = {plan_id: one.list_minor - one.amount_minor for plan_id, one in own.items()}
    less |= {plan.id: off for plan, _, off in promotions}
    return {plan_id: ShownOff(minor, fewest.get(plan_id)) for plan_id, minor in less.items()}


def _promotions(
    uow: UnitOfWork, listing: ListingView, fewest: Mapping[UUID, int]
) -> list[tuple[PlanView, PromotionView, int]]:
    """Of each plan that has one the promotion that its quote would take, and what that takes off its fewest seats."""
    found = promotions_of(uow, [listing.id]).get(listing.id, ()) if listing.state == "published" else ()
    taken = []
    for plan in listing.plans if found else ():
        list_minor = price_term(plan_price(plan), fewest.get(plan.id, plan.min_seats)).amount_minor
        best = best_promotion(found, plan.code, list_minor, plan.currency)
        if best is not None:
            taken.append((plan, best, best.off(plan.code, list_minor, plan.currency)))
    return taken


def _preview(
    page_request: PageRequest, listing: ListingView, showings: Sequence[Showing], share: str | None
) -> LinkPreview:
    services = page_request.services
    pictures = [public_picture(services, one.video_id, one.media_version) for one in showings if one.is_public]
    return preview_of_page(
        services,
        "website",
        addresses.product(str(listing.id)),
        title=page_request.pick(listing.title, listing.title_en),
        description=page_request.pick(listing.summary, listing.summary_en),
        picture=next(iter(pictures), ""),
        share=share,
    )


def product_items(
    page_request: PageRequest, uow: UnitOfWork, listings: Sequence[ListingView]
) -> tuple[ProductItem, ...]:
    """Products in a list, each with the cover of its latest video."""
    shown = showings_of(uow, [one.id for one in listings], most=1)
    return tuple(_item(page_request, one, shown.get(one.id, [])) for one in listings)


def _item(page_request: PageRequest, listing: ListingView, showings: Sequence[Showing]) -> ProductItem:
    cheapest = min(listing.plans, key=lambda plan: (plan.pricing == "usage", plan.unit_price_minor), default=None)
    return ProductItem(
        id=str(listing.id),
        name=page_request.pick(listing.title, listing.title_en),
        summary=page_request.pick(listing.summary, listing.summary_en),
        seller_name=listing.seller_name,
        kind=listing.kind,
        category=listing.category,
        plans=len(listing.plans),
        from_price=money(cheapest.unit_price_minor, cheapest.currency) if cheapest else None,
        per=per_of(cheapest.price_unit, cheapest.pricing) if cheapest else "once",
        picture=_picture(page_request, listing, showings),
        rating_tenths=listing.rating_tenths,
        rating_count=listing.rating_count,
    )


def _picture(page_request: PageRequest, listing: ListingView, showings: Sequence[Showing]) -> Thumbnail | None:
    """The product's own first picture, else the cover of the latest video that shows it."""
    if images := shown_images(page_request, listing):
        return Thumbnail(images[0].src, images[0].srcset)
    return _cover(page_request, showings[0]) if showings else None


def _cover(page_request: PageRequest, one: Showing) -> Thumbnail:
    return thumbnail(page_request.services, one.video_id, one.media_version, is_public=one.is_public)


def _video(page_request: PageRequest, one: Showing) -> ProductVideo:
    return ProductVideo(
        id=str(one.video_id),
        title=page_request.pick(one.title, one.title_en),
        channel_name=page_request.pick(one.channel_name, one.channel_name_en),
        second=one.start_ms // 1000,
        duration_s=max(1, -(-one.duration_ms // 1000)),
        picture=_cover(page_request, one),
    )
