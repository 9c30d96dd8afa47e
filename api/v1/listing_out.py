"""Listings and their plans, as answers have them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta

from api.schema import Out
from api.v1.plan_bodies import PlanOut
from api.v1.reliability_out import ReliabilityOut, ResponseTimeOut
from kernel.text import render_markdown
from marketplace.catalog.content_hash import draft_hash, image_hash, terms_hash
from marketplace.catalog.queries import ListingView
from marketplace.relations.partner_groups import groups_as_read


class ListingOut(Out):
    """A listing with one of its versions. `description_html` is safe to show.

    `images`: {id, width, height, alt, alt_en, base} each, at `/v1/listings/{id}/image?v={image id}`. `terms_version`: the
    seller's name for the terms at `/v1/listings/{id}/terms`; null where it has none. A change of a picture's words names its
    `base` as what it began from, one of the terms `terms_base`, one of words and plans (`POST /v1/listings/{id}/versions`)
    the `base` of the listing as its seller reads it.

    `visibility`: `public`, or `partners`: shown to its seller's partners alone, of which its seller reads which
    (`all_partners`, or those in `partner_tier_ids`).

    `rating_tenths`: the average of `rating_count` customers' reviews, in tenths of a star; null where there are none.
    """

    id: UUID
    org_id: UUID
    seller_name: str
    kind: str
    category: str
    slug: str
    state: str
    version_id: UUID
    version_number: int
    version_state: str
    title: str
    title_en: str
    summary: str
    summary_en: str
    description: str
    description_en: str
    description_html: str
    description_html_en: str
    tax_category: str
    selling_model: Annotated[
        str,
        Meta(description="Who sells to the buyer and invoices it: `agency`, the seller; `reseller`, the platform"),
    ]
    refund_window_days: int
    data_kept_days: int
    images: list[dict[str, Any]]
    terms_version: str | None
    terms_base: str
    base: str
    review_reasons: list[dict[str, Any]]
    submitted_at: datetime | None
    published_at: datetime | None
    created_at: datetime
    rating_count: int
    rating_tenths: int | None
    visibility: str
    all_partners: bool
    partner_tier_ids: list[UUID]
    reliability: ReliabilityOut | None
    response_time: ResponseTimeOut | None
    plans: list[PlanOut]

    @classmethod
    def of(cls, row: ListingView) -> ListingOut:
        """From the query's row."""
        groups = groups_as_read(row.partner_groups, row.org_id)
        return cls.of_row(
            row,
            all_partners=groups.everybody,
            partner_tier_ids=list(groups.tier_ids),
            reliability=ReliabilityOut.of(row.reliability),
            response_time=ResponseTimeOut.of(row.response_time),
            description_html=render_markdown(row.description),
            description_html_en=render_markdown(row.description_en),
            images=[{**one, "base": image_hash(one)} for one in row.images],
            terms_base=terms_hash(row.terms),
            base=draft_hash(row, row.kind, row.category, [one for one in row.plans if one.state == "active"]),
            terms_version=row.terms["version"] if row.terms else None,
            review_reasons=list(row.review_reasons),
            plans=[PlanOut.of(plan) for plan in row.plans],
        )
