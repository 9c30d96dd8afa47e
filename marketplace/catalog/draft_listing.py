"""A listing is drafted, and revised: each revision is a version of its own, and a published one is never touched."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.text import clean_markdown
from marketplace.catalog.categories import require_category
from marketplace.catalog.content_hash import draft_hash
from marketplace.catalog.models import LISTING, PLAN, VERSION, Listing, ListingVersion, Plan
from marketplace.catalog.plan_terms import DraftPlan, checked_plan
from marketplace.catalog.selling_model import SELLING_MODELS
from marketplace.input_text import optional_line
from marketplace.parties.models import Organization
from marketplace.placements.models import Claim, Placement

KINDS = ("saas", "service")
TAX_CATEGORIES = ("service", "software")
MAX_PLANS = 10
MAX_DESCRIPTION = 20_000
MAX_DATA_KEPT_DAYS = 3_650
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{1,58}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class VersionText:
    """What a version says. Descriptions are restricted Markdown. A draft may lack any of it; one language is enough to sell."""

    title: str
    title_en: str
    summary: str
    summary_en: str
    description: str = ""
    description_en: str = ""
    tax_category: str = "service"
    refund_window_days: int = 7
    data_kept_days: int = 30
    selling_model: str = "agency"


@dataclass(frozen=True, slots=True)
class DraftListing:
    """A new listing with its first version and plans."""

    kind: str
    category: str
    slug: str
    text: VersionText
    plans: Sequence[DraftPlan] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class ReviseListing:
    """Other words and plans for a listing.

    `base` is the `draft_hash` of what the writer had before them; None writes over whatever is there.
    """

    listing_id: UUID
    text: VersionText
    plans: Sequence[DraftPlan] = field(default_factory=tuple)
    base: str | None = None


def draft_listing(uow: UnitOfWork, command: DraftListing) -> Listing:
    """Create a listing of the acting organization with a draft of version 1.

    Raises:
        Invalid: `kind_unknown`, `category_invalid`, `slug_invalid`, and those of `revise_listing`.
        Conflict: `slug_taken`, `not_a_seller`.
    """
    org_id = uow.principal.organization()
    if not uow.session.get_one(Organization, org_id).is_seller:
        raise Conflict("not_a_seller")
    require_known_kind(command.kind, command.category)
    if not SLUG.fullmatch(command.slug):
        raise Invalid("slug_invalid", field="slug")
    listing = Listing(
        id=uuid7(),
        org_id=org_id,
        kind=command.kind,
        category=command.category,
        slug=command.slug,
        created_at=clock.now(),
    )
    LISTING.begin(uow, listing, org_ids=[org_id])
    uow.session.add(listing)
    uow.flush()
    _write_version(uow, listing, 1, command.text, command.plans)
    return listing


def revise_listing(uow: UnitOfWork, command: ReviseListing) -> ListingVersion:
    """Write a new version, or write the present draft (or rejected version) anew. What is published stays as it is.

    Cards that show a plan of the draft follow it by its code, and go when it goes. A new version begins with the pictures
    and the terms of the one before.

    Raises:
        NotFound: `listing_not_found`.
        Conflict: `listing_in_review`: a version waits for its reviewer; `listing_retired`; `draft_changed`: `base` is not what is
            stored, and what was written is something else, too.
        Invalid: `text_too_long`, `tax_category_unknown`, `refund_window_invalid`, `data_kept_invalid`, `too_many_plans`,
            `plan_code_taken`, and those of `checked_plan`.

    Locks: the listing.
    """
    listing = lock_own_listing(uow, command.listing_id)
    if listing.state == "retired":
        raise Conflict("listing_retired")
    latest = latest_version(uow, listing)
    if latest.state == "in_review":
        raise Conflict("listing_in_review")
    before = _hash_of(uow, listing, latest)
    version = _rewritten(uow, listing, latest, command)
    if command.base not in {None, before} and _hash_of(uow, listing, version) != before:
        raise Conflict("draft_changed")
    return version


def _rewritten(uow: UnitOfWork, listing: Listing, latest: ListingVersion, command: ReviseListing) -> ListingVersion:
    if latest.state not in {"draft", "rejected"}:
        return _write_version(uow, listing, latest.number + 1, command.text, command.plans, latest)
    if latest.state == "rejected":
        VERSION.move(uow, latest, "draft", org_ids=[listing.org_id])
    _say(latest, command.text)
    latest.review_reasons = None
    _write_plans(uow, latest, command.plans)
    uow.flush()
    return latest


def _hash_of(uow: UnitOfWork, listing: Listing, version: ListingVersion) -> str:
    plans = select(Plan).where(Plan.org_id == version.org_id, Plan.version_id == version.id, Plan.state == "active")
    return draft_hash(version, listing.kind, listing.category, uow.session.scalars(plans).all())


def require_known_kind(kind: str, category: str) -> None:
    """Raises Invalid(`kind_unknown`, `category_invalid`)."""
    if kind not in KINDS:
        raise Invalid("kind_unknown", field="kind")
    require_category(category)


def latest_version(uow: UnitOfWork, listing: Listing) -> ListingVersion:
    """The version with the highest number: a draft, or what is on sale."""
    return uow.session.scalars(
        select(ListingVersion)
        .where(ListingVersion.org_id == listing.org_id, ListingVersion.listing_id == listing.id)
        .order_by(ListingVersion.number.desc())
        .limit(1)
        .with_for_update()
    ).one()


def lock_own_listing(uow: UnitOfWork, listing_id: UUID) -> Listing:
    """The acting organization's listing (any, for the platform), locked. Raises NotFound(`listing_not_found`)."""
    found = lock_row(uow.session, Listing, listing_id)
    if found is None or (not uow.principal.is_platform and found.org_id != uow.principal.organization()):
        raise NotFound("listing_not_found")
    return found


def _write_version(
    uow: UnitOfWork,
    listing: Listing,
    number: int,
    text: VersionText,
    plans: Sequence[DraftPlan],
    before: ListingVersion | None = None,
) -> ListingVersion:
    version = ListingVersion(
        id=uuid7(),
        org_id=listing.org_id,
        listing_id=listing.id,
        number=number,
        images=list(before.images) if before else [],
        terms=before.terms if before else None,
        created_at=clock.now(),
    )
    _say(version, text)
    VERSION.begin(uow, version, org_ids=[listing.org_id])
    uow.session.add(version)
    uow.flush()
    _write_plans(uow, version, plans)
    uow.flush()
    return version


def checked_text(text: VersionText) -> dict[str, Any]:
    """The version's columns. Raises Invalid as `revise_listing` does."""
    if text.tax_category not in TAX_CATEGORIES:
        raise Invalid("tax_category_unknown", field="tax_category")
    if text.selling_model not in SELLING_MODELS:
        raise Invalid("selling_model_unknown", field="selling_model")
    if not 0 <= text.refund_window_days <= 365:
        raise Invalid("refund_window_invalid", field="refund_window_days")
    if not 0 <= text.data_kept_days <= MAX_DATA_KEPT_DAYS:
        raise Invalid("data_kept_invalid", field="data_kept_days")
    return {
        "title": optional_line("title", text.title, 80),
        "title_en": optional_line("title_en", text.title_en, 80),
        "summary": optional_line("summary", text.summary, 200),
        "summary_en": optional_line("summary_en", text.summary_en, 200),
        "description": _markdown("description", text.description),
        "description_en": _markdown("description_en", text.description_en),
        "tax_category": text.tax_category,
        "selling_model": text.selling_model,
        "refund_window_days": text.refund_window_days,
        "data_kept_days": text.data_kept_days,
    }


def _say(version: ListingVersion, text: VersionText) -> None:
    for name, value in checked_text(text).items():
        setattr(version, name, value)


def _markdown(field: str, text: str) -> str:
    cleaned = clean_markdown(text)
    if len(cleaned) > MAX_DESCRIPTION:
        raise Invalid("text_too_long", field=field, limit=MAX_DESCRIPTION)
    return cleaned


def _write_plans(uow: UnitOfWork, version: ListingVersion, plans: Sequence[DraftPlan]) -> None:
    if len(plans) > MAX_PLANS:
        raise Invalid("too_many_plans", field="plans", limit=MAX_PLANS)
    if len({plan.code for plan in plans}) != len(plans):
        raise Invalid("plan_code_taken", field="plans")
    before = {
        plan.code: plan
        for plan in uow.session.scalars(
            select(Plan).where(Plan.org_id == version.org_id, Plan.version_id == version.id, Plan.state == "active")
        )
    }
    drop_other_plans(uow, version, [before[plan.code].id for plan in plans if plan.code in before])
    for drafted in plans:
        write_plan(uow, version, before.get(drafted.code), checked_plan(drafted))


def write_plan(uow: UnitOfWork, version: ListingVersion, row: Plan | None, columns: Mapping[str, Any]) -> Plan:
    """Give a plan of a version that was never published these columns; None makes a new one."""
    if row is None:
        row = Plan(
            id=uuid7(),
            org_id=version.org_id,
            listing_id=version.listing_id,
            version_id=version.id,
            created_at=clock.now(),
        )
        PLAN.begin(uow, row, org_ids=[version.org_id])
        uow.session.add(row)
    for name, value in columns.items():
        setattr(row, name, value)
    return row


def drop_other_plans(uow: UnitOfWork, version: ListingVersion, kept: Sequence[UUID]) -> None:
    """Delete all plans but the `kept` ones of a version that was never published, and the cards that show them."""
    dropped = select(Plan.id).where(Plan.org_id == version.org_id, Plan.version_id == version.id, Plan.id.not_in(kept))
    cards = select(Placement.id).where(Placement.org_id == version.org_id, Placement.plan_id.in_(dropped))
    uow.session.execute(delete(Claim).where(Claim.org_id == version.org_id, Claim.placement_id.in_(cards)))
    uow.session.execute(delete(Placement).where(Placement.id.in_(cards)))
    uow.session.execute(delete(Plan).where(Plan.id.in_(dropped)))
