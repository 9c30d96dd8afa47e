"""A draft is edited piece by piece: its words, each plan, and a new version of what is on sale to begin with.

Whoever saves names the content they began from. When that is no longer what is stored, nothing is written and both sides
can be shown: two windows never overwrite each other unseen.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid
from marketplace.catalog.content_hash import PLAN_COLUMNS, columns_of, content_hash, plan_hash, text_hash
from marketplace.catalog.draft_listing import (
    MAX_PLANS,
    ReviseListing,
    VersionText,
    checked_text,
    drop_other_plans,
    latest_version,
    lock_own_listing,
    require_known_kind,
    revise_listing,
    write_plan,
)
from marketplace.catalog.models import VERSION, Listing, ListingVersion, Plan
from marketplace.catalog.plan_terms import DraftPlan, Feature, checked_plan
from marketplace.pricing.components import PlanPrice


@dataclass(frozen=True, slots=True)
class EditText:
    """Other words for the draft, and, until it is first published, another kind and category.

    `base` is the `text_hash` of what the writer had before them.
    """

    listing_id: UUID
    base: str
    text: VersionText
    kind: str | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True)
class EditPlan:
    """Other terms for the draft's plan of this code, or a new plan where `base` (a `plan_hash`) is empty."""

    listing_id: UUID
    base: str
    plan: DraftPlan


@dataclass(frozen=True, slots=True)
class RemovePlan:
    """Take a plan, and the cards on drafts of videos that show it, out of the draft."""

    listing_id: UUID
    base: str
    code: str


def edit_text(uow: UnitOfWork, command: EditText) -> ListingVersion:
    """Save the words of the draft. The same words again change nothing.

    Raises:
        NotFound: `listing_not_found`.
        Conflict: `draft_changed`, those of `lock_draft`, `listing_kind_fixed` once it was published.
        Invalid: as `draft_listing`.

    Locks: the listing, its latest version. Idempotent by: the content.
    """
    listing, version = lock_draft(uow, command.listing_id)
    kind, category = command.kind or listing.kind, command.category or listing.category
    if (kind, category) != (listing.kind, listing.category):
        require_known_kind(kind, category)
    columns = checked_text(command.text)
    stored = text_hash(version, listing.kind, listing.category)
    wanted = content_hash(columns | {"kind": kind, "category": category})
    if stored == wanted:
        return version
    require_base(command.base, stored)
    if (kind, category) != (listing.kind, listing.category):
        if listing.current_version_id is not None:
            raise Conflict("listing_kind_fixed")
        listing.kind, listing.category = kind, category
    draft_for_change(uow, listing, version)
    for name, value in columns.items():
        setattr(version, name, value)
    uow.flush()
    return version


def edit_plan(uow: UnitOfWork, command: EditPlan) -> ListingVersion:
    """Save one plan of the draft. The same terms again change nothing.

    `connector_id` is one of the seller's, which the caller has looked up.

    Raises:
        NotFound: `listing_not_found`.
        Conflict: `draft_changed`, `plan_code_taken`, those of `lock_draft`.
        Invalid: `too_many_plans`, and those of `checked_plan`.

    Locks: the listing, its latest version. Idempotent by: the content.
    """
    listing, version = lock_draft(uow, command.listing_id)
    columns = checked_plan(command.plan)
    rows = _plans(uow, version)
    row = rows.get(command.plan.code)
    stored = plan_hash(row) if row is not None else ""
    if stored == content_hash(columns):
        return version
    if stored != command.base:
        raise Conflict("draft_changed" if command.base else "plan_code_taken")
    if row is None and len(rows) >= MAX_PLANS:
        raise Invalid("too_many_plans", field="plans", limit=MAX_PLANS)
    draft_for_change(uow, listing, version)
    write_plan(uow, version, row, columns)
    uow.flush()
    return version


def remove_plan(uow: UnitOfWork, command: RemovePlan) -> ListingVersion:
    """Take a plan out of the draft. Gone already, nothing changes.

    Raises:
        NotFound: `listing_not_found`.
        Conflict: `draft_changed`, those of `lock_draft`.

    Locks: the listing, its latest version.
    """
    listing, version = lock_draft(uow, command.listing_id)
    rows = _plans(uow, version)
    row = rows.pop(command.code, None)
    if row is None:
        return version
    require_base(command.base, plan_hash(row))
    draft_for_change(uow, listing, version)
    drop_other_plans(uow, version, [kept.id for kept in rows.values()])
    uow.flush()
    return version


def begin_version(uow: UnitOfWork, listing_id: UUID) -> ListingVersion:
    """A draft of the next version that says what is on sale; the present draft where there is one already.

    Raises:
        NotFound: `listing_not_found`. Conflict: `listing_in_review`, `listing_retired`.

    Locks: the listing, its latest version.
    """
    listing = lock_own_listing(uow, listing_id)
    latest = latest_version(uow, listing)
    if latest.state in {"draft", "rejected"} and listing.state != "retired":
        return latest
    text = VersionText(**{name: getattr(latest, name) for name in VersionText.__dataclass_fields__})
    plans = [_drafted(plan) for plan in _plans(uow, latest).values() if plan.state == "active"]
    return revise_listing(uow, ReviseListing(listing_id, text, plans))


def lock_draft(uow: UnitOfWork, listing_id: UUID) -> tuple[Listing, ListingVersion]:
    """The acting organization's listing, and the draft of it that may be changed.

    Raises NotFound(`listing_not_found`), Conflict(`listing_retired`, `listing_in_review`, `draft_missing`).
    """
    listing = lock_own_listing(uow, listing_id)
    if listing.state == "retired":
        raise Conflict("listing_retired")
    version = latest_version(uow, listing)
    if version.state == "in_review":
        raise Conflict("listing_in_review")
    if version.state not in {"draft", "rejected"}:
        raise Conflict("draft_missing")
    return listing, version


def require_base(base: str | None, stored: str) -> None:
    """Raises Conflict(`draft_changed`): the writer began from something else than what is stored. None began from nothing."""
    if base is not None and base != stored:
        raise Conflict("draft_changed")


def draft_for_change(uow: UnitOfWork, listing: Listing, version: ListingVersion) -> None:
    """A rejected version that is mended is a draft again; what was found wrong with it stays in view until it is decided anew."""
    if version.state == "rejected":
        VERSION.move(uow, version, "draft", org_ids=[listing.org_id])


def _plans(uow: UnitOfWork, version: ListingVersion) -> dict[str, Plan]:
    statement = (
        select(Plan)
        .where(Plan.org_id == version.org_id, Plan.version_id == version.id)
        .order_by(Plan.created_at, Plan.id)
    )
    return {plan.code: plan for plan in uow.session.scalars(statement)}


def _drafted(plan: Plan) -> DraftPlan:
    columns = columns_of(plan, PLAN_COLUMNS)
    del columns["term_months"]
    price = PlanPrice.model_validate(plan.price) if plan.price is not None else None
    features = tuple(Feature(**feature) for feature in plan.features)
    return DraftPlan(**columns | {"features": features, "price": price})
