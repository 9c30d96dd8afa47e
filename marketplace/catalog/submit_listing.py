"""A version is handed in for review, after the checks that need no reviewer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NotRequired, Protocol, TypedDict
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from kernel.jobs.outbox import emit
from marketplace.catalog.draft_listing import latest_version, lock_own_listing
from marketplace.catalog.events import ListingSubmitted
from marketplace.catalog.models import LISTING, VERSION, Listing, ListingVersion, Plan
from marketplace.catalog.selling_model import RESELLER, UNREADY, platform_may_sell
from marketplace.onboarding.queries import is_onboarded

WORDS = ("title", "summary", "description")
CHECKS_FAILED = "review_checks_failed"


class Reason(TypedDict):
    """Why a version may not be sold: the field, a code with its words among the errors' texts, a reviewer's own words.

    Fields are columns of the version, and of its plans as `plans.CODE.COLUMN`.
    """

    field: str
    code: str
    note: NotRequired[str]


def as_reason(stored: Mapping[str, str]) -> Reason:
    """A reason as a version keeps it."""
    return Reason(field=stored.get("field", ""), code=stored["code"], note=stored.get("note", ""))


class PlanTerms(Protocol):
    """A plan, as a row or as a view of it."""

    @property
    def code(self) -> str:
        """Its code."""

    @property
    def name(self) -> str:
        """In Chinese."""

    @property
    def name_en(self) -> str:
        """In English."""

    @property
    def connector_id(self) -> UUID | None:
        """How a purchase reaches the seller's system."""


class Words(Protocol):
    """A version, as a row or as a view of it: what it says in both languages."""

    @property
    def title(self) -> str:
        """In Chinese, as `summary` and `description`; in English with `_en`."""


def submit_listing(uow: UnitOfWork, listing_id: UUID) -> ListingVersion:
    """Hand the draft in. When an automatic check fails it stays a draft, and the refusal names every reason.

    What was handed in already stays as it is, in review or published since: the second press of the button.

    Raises:
        NotFound: `listing_not_found`.
        Conflict: `listing_retired`; `review_checks_failed` with `reasons`.

    Emits: ListingSubmitted. Locks: the listing, its latest version. Idempotent by: the version.
    """
    listing = lock_own_listing(uow, listing_id)
    version = latest_version(uow, listing)
    if listing.state == "retired":
        raise Conflict("listing_retired")
    if version.state not in {"draft", "rejected"}:
        return version
    reasons = find_reasons(uow, version)
    if reasons:
        raise Conflict(CHECKS_FAILED, reasons=", ".join(f"{r['field']}: {r['code']}" for r in reasons))
    if version.state == "rejected":
        VERSION.move(uow, version, "draft", org_ids=[listing.org_id])
    VERSION.move(uow, version, "in_review", org_ids=[listing.org_id])
    version.submitted_at = clock.now()
    if _before_first_publication(listing):
        LISTING.move(uow, listing, "in_review", org_ids=[listing.org_id])
    emit(uow, ListingSubmitted(listing_id=listing.id, org_id=listing.org_id, version_id=version.id))
    uow.flush()
    return version


def find_reasons(uow: UnitOfWork, version: ListingVersion) -> list[Reason]:
    """What the automatic checks find in a version."""
    plans = uow.session.scalars(
        select(Plan)
        .where(Plan.org_id == version.org_id, Plan.version_id == version.id)
        .order_by(Plan.unit_price_minor, Plan.id)
    ).all()
    reasons = check_version(version, plans, onboarded=is_onboarded(uow, version.org_id))
    if version.selling_model == RESELLER and not platform_may_sell(uow):
        reasons.append(Reason(field="selling_model", code=UNREADY))
    return reasons


def check_version(version: Words, plans: Sequence[PlanTerms], *, onboarded: bool) -> list[Reason]:
    """The automatic checks: one language complete, a plan at least, each with a name and a way to provision it, a finished
    onboarding. Pure.
    """
    reasons = [Reason(field=name, code="text_required") for name in _missing_words(version)]
    if not plans:
        reasons.append(Reason(field="plans", code="plan_missing"))
    for plan in plans:
        if not plan.name and not plan.name_en:
            reasons.append(Reason(field=f"plans.{plan.code}.name{_language(version)}", code="text_required"))
        if plan.connector_id is None:
            reasons.append(Reason(field=f"plans.{plan.code}.connector_id", code="connector_missing"))
    if not onboarded:
        reasons.append(Reason(field="onboarding", code="onboarding_incomplete"))
    return reasons


def _missing_words(version: Words, language: str | None = None) -> list[str]:
    """What is missing in a language; without one, in the language that is nearest to complete; nothing, when one is."""
    names = (f"{part}{_language(version) if language is None else language}" for part in WORDS)
    return [name for name in names if not str(getattr(version, name)).strip()]


def _language(version: Words) -> str:
    """The language that is nearest to complete, as the ending of its fields."""
    return min(("", "_en"), key=lambda language: len(_missing_words(version, language)))


def _before_first_publication(listing: Listing) -> bool:
    return listing.current_version_id is None
