"""Tables of the catalogue: listings, their immutable published versions, and the plans a buyer chooses from."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor
from kernel.db.constraints import register
from kernel.errors import Conflict
from kernel.states import Machine, edges


class Listing(Base):
    """A SaaS product or a service product. What is said about it lives in its versions."""

    __tablename__ = "listing"
    __table_args__ = (
        UniqueConstraint("org_id", "id"),
        UniqueConstraint("org_id", "slug"),
        ForeignKeyConstraint(
            ["org_id", "current_version_id"],
            ["marketplace.listing_version.org_id", "marketplace.listing_version.id"],
            use_alter=True,
            name="fk_listing_current_version",
        ),
        CheckConstraint("kind IN ('saas', 'service')", name="kind"),
        CheckConstraint(
            "state IN ('draft', 'in_review', 'published', 'rejected', 'suspended', 'paused', 'retired')", name="state"
        ),
        CheckConstraint("state <> 'published' OR current_version_id IS NOT NULL", name="published_has_version"),
        CheckConstraint("rating_count >= 0 AND rating_sum BETWEEN rating_count AND rating_count * 5", name="rating"),
        CheckConstraint(
            "visibility = 'public' OR (visibility = 'partners' AND cardinality(partner_groups) > 0)", name="visibility"
        ),
        Index("ix_listing_org_id_created_at", "org_id", "created_at"),
        Index("ix_listing_org_id_current_version_id", "org_id", "current_version_id"),
        Index("ix_listing_on_sale", "created_at", "id", postgresql_where=text("state = 'published'")),
        Index("ix_listing_published", "category", "created_at", "id", postgresql_where=text("state = 'published'")),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    kind: Mapped[str]
    category: Mapped[str]
    slug: Mapped[str]
    state: Mapped[str]
    current_version_id: Mapped[UUID | None]
    rating_count: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """Customers' reviews that are shown."""
    rating_sum: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """The stars of all of them."""
    visibility: Mapped[str] = mapped_column(default="public", server_default="public")
    """`public`, or `partners`: on sale to those of its seller's partners that are in `partner_groups` alone."""
    partner_groups: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list, server_default="{}")
    """Who of its seller's partners: the seller's own id for all of them, and ids of tiers for those in these. A partner's own
    groups are the sellers and tiers of its accepted links (`marketplace.partner_groups` in the database)."""
    reliability: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What its deliveries come to, None of few: `marketplace.catalog.show_reliability.Reliability`."""
    created_at: Mapped[CreatedAt]


class ListingVersion(Base):
    """What a listing says. Once published it never changes (a trigger refuses): orders point at it."""

    __tablename__ = "listing_version"
    __table_args__ = (
        UniqueConstraint("org_id", "id"),
        UniqueConstraint("listing_id", "number"),
        ForeignKeyConstraint(["org_id", "listing_id"], ["marketplace.listing.org_id", "marketplace.listing.id"]),
        CheckConstraint("state IN ('draft', 'in_review', 'published', 'rejected', 'superseded')", name="state"),
        CheckConstraint("tax_category IN ('service', 'software')", name="tax_category"),
        CheckConstraint("selling_model IN ('agency', 'reseller')", name="selling_model"),
        CheckConstraint("refund_window_days BETWEEN 0 AND 365", name="refund_window_days"),
        CheckConstraint("data_kept_days BETWEEN 0 AND 3650", name="data_kept_days"),
        Index("ix_listing_version_org_id_listing_id", "org_id", "listing_id", "number"),
        Index("ix_listing_version_in_review", "submitted_at", postgresql_where=text("state = 'in_review'")),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    listing_id: Mapped[UUID]
    number: Mapped[int]
    state: Mapped[str]
    title: Mapped[str]
    title_en: Mapped[str]
    summary: Mapped[str]
    summary_en: Mapped[str]
    description: Mapped[str]
    description_en: Mapped[str]
    tax_category: Mapped[str]
    """What tax law sees in it: 'service' (现代服务, 6 % in China) or 'software' (software goods, 13 % in China)."""
    selling_model: Mapped[str] = mapped_column(default="agency", server_default="agency")
    """Who sells to the buyer (`marketplace.catalog.selling_model`): proposed by the seller, agreed to with the review."""
    refund_window_days: Mapped[int]
    """Days after activation within which a refund is granted without asking."""
    data_kept_days: Mapped[int] = mapped_column(server_default="30")
    """Days after the end for which the seller keeps what a customer left in its system."""
    images: Mapped[list[Any]] = mapped_column(JSONB, default=list, server_default="[]")
    """Pictures, the one that stands for the product first: a list of {id, width, height, alt, alt_en}."""
    terms: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """On what it is sold, where the seller says: {version, text, text_en}; with a document pdf_sha256, pdf_name, pdf_bytes."""
    review_reasons: Mapped[list[Any] | None] = mapped_column(JSONB)
    """Why it was rejected: a list of {field, code}."""
    submitted_at: Mapped[Instant | None]
    published_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]


class Plan(Base):
    """A sellable edition of one listing version. Nothing of a published one changes; a new price is a new version.

    `price` is what decides every amount (`marketplace.pricing.components.PlanPrice`); `pricing`, `unit_price_minor` and seats
    are its headline (`marketplace.pricing.shapes`). Without it the headline is the whole price.
    """

    __tablename__ = "plan"
    __table_args__ = (
        UniqueConstraint("org_id", "id"),
        UniqueConstraint("version_id", "code"),
        ForeignKeyConstraint(["org_id", "listing_id"], ["marketplace.listing.org_id", "marketplace.listing.id"]),
        ForeignKeyConstraint(
            ["org_id", "version_id"], ["marketplace.listing_version.org_id", "marketplace.listing_version.id"]
        ),
        CheckConstraint("pricing IN ('per_seat', 'flat', 'one_off', 'usage', 'mixed')", name="pricing"),
        CheckConstraint("price IS NOT NULL OR pricing IN ('per_seat', 'flat', 'one_off')", name="price_known"),
        CheckConstraint(
            "CASE \"interval\" WHEN 'none' THEN term_months = 0 AND pricing = 'one_off'"
            " WHEN 'month' THEN term_months BETWEEN 1 AND 60 AND pricing <> 'one_off'"
            " WHEN 'quarter' THEN term_months BETWEEN 3 AND 60 AND term_months % 3 = 0 AND pricing <> 'one_off'"
            " WHEN 'year' THEN term_months BETWEEN 12 AND 60 AND term_months % 12 = 0 AND pricing <> 'one_off'"
            " ELSE false END",
            name="term",
        ),
        CheckConstraint("unit_price_minor >= 0", name="price"),
        CheckConstraint("min_seats >= 1 AND max_seats >= min_seats AND included_seats >= 0", name="seats"),
        CheckConstraint("pricing = 'per_seat' OR price IS NOT NULL OR max_seats = 1", name="single"),
        CheckConstraint("trial_days BETWEEN 0 AND 90", name="trial_days"),
        CheckConstraint("trial_days > 0 OR NOT trial_needs_method", name="trial_needs_method"),
        CheckConstraint("renewal_lead_days BETWEEN 0 AND least(30, 15 * term_months)", name="renewal_lead_days"),
        CheckConstraint(
            "contract_terms BETWEEN 0 AND 60 AND (contract_terms = 0 OR term_months > 0)", name="contract_terms"
        ),
        CheckConstraint("untaxed_price = 'whole' OR (untaxed_price = 'net' AND tax_included)", name="untaxed_price"),
        CheckConstraint("deadline_s BETWEEN 1 AND 7776000", name="deadline"),
        CheckConstraint("state IN ('active', 'withdrawn')", name="state"),
        Index("ix_plan_org_id_listing_id", "org_id", "listing_id"),
        Index("ix_plan_org_id_version_id", "org_id", "version_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    listing_id: Mapped[UUID]
    version_id: Mapped[UUID]
    code: Mapped[str]
    """Stable across versions of the listing: placements follow it to the next version."""
    name: Mapped[str]
    name_en: Mapped[str]
    pricing: Mapped[str]
    interval: Mapped[str]
    term_months: Mapped[int]
    currency: Mapped[Currency]
    unit_price_minor: Mapped[Minor]
    price: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    tax_included: Mapped[bool]
    untaxed_price: Mapped[str] = mapped_column(default="whole", server_default="whole")
    """What a price that contains its tax is where none applies: `whole`, or its `net` part at the seller's rate at home."""
    min_seats: Mapped[int]
    max_seats: Mapped[int]
    included_seats: Mapped[int]
    trial_days: Mapped[int]
    """Days for which it is tried before it is paid for; 0 where it is not."""
    trial_needs_method: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """Whether a trial is begun with a payment method and converts by itself; else it ends unless it is bought."""
    renewal_lead_days: Mapped[int] = mapped_column(default=0, server_default="0")
    """How many days before a term begins it is charged; 0: the day before, so that nothing stops in between."""
    contract_terms: Mapped[int] = mapped_column(default=0, server_default="0")
    """After how many paid terms it ends for good; 0: never by itself."""
    features: Mapped[list[Any]] = mapped_column(JSONB)
    """A list of {key, zh, en, value, unit}; claims of a video are held against the keys and values."""
    connector_id: Mapped[UUID | None]
    """The seller's way of provisioning (a row of fulfillment; no foreign key: it lies on a floor above)."""
    deadline_s: Mapped[int] = mapped_column(BigInteger)
    """Seconds within which the seller promises to have provisioned; afterwards the buyer is refunded."""
    state: Mapped[str]
    published_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]


register("uq_listing_org_id_slug", lambda: Conflict("slug_taken"))
register("uq_listing_version_listing_id_number", lambda: Conflict("listing_changed"))
register("uq_plan_version_id_code", lambda: Conflict("plan_code_taken"))


LISTING = Machine(
    "marketplace.listing",
    initial="draft",
    edges=edges(
        draft="in_review",
        in_review="published rejected",
        rejected="in_review",
        published="suspended paused retired",
        suspended="published retired",
        paused="published suspended retired",
        retired="",
    ),
)
"""Suspended by the platform's decision; paused by itself, because its deliveries failed (`fulfillment.reliability`)."""


VERSION = Machine(
    "marketplace.listing_version",
    initial="draft",
    edges=edges(
        draft="in_review",
        in_review="published rejected draft",
        rejected="draft",
        published="superseded",
        superseded="",
    ),
)


PLAN = Machine("marketplace.plan", initial="active", edges=edges(active="withdrawn", withdrawn=""))
