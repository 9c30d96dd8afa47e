"""The reviewer's desk: what waits, and one version with its checks, its changes and the reasons to return it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.pages.frame.choices import Choice
from api.pages.frame.phrases import reason, seconds_since
from api.pages.frame.site import Form, PageRequest
from api.pages.listings.compared import changes
from api.pages.listings.forms import TEXT_FIELDS
from api.pages.listings.presenter import REVIEWED_WITHIN_S, field_name, said
from api.pages.listings.shown import ShownListing
from api.pages.reviews.views import ReasonField, ReviewView, SoldListing, WaitingVersion
from kernel.errors import Invalid
from marketplace.catalog.content_hash import version_hash
from marketplace.catalog.queries import ListingView, VersionsCompared
from marketplace.catalog.review_desk import CHECKLIST, NOTED, REASONS, SaleChange
from marketplace.catalog.submit_listing import Reason, as_reason, check_version

_OF_PLANS = ("name", "unit_price_minor", "features")
_LONGEST_NOTE = 500
_MOST_FIELDS = 60


@dataclass(frozen=True, slots=True)
class ReviewData:
    """What a listing's page is made from; `customers` have it in use, `cards` show it now."""

    versions: VersionsCompared
    shown: ShownListing
    onboarded: bool
    customers: int
    cards: int
    sale_changes: Sequence[SaleChange] = ()


def waiting(page_request: PageRequest, view: ListingView) -> WaitingVersion:
    """A row of the queue."""
    waits_s = seconds_since(view.submitted_at or view.created_at)
    return WaitingVersion(
        listing_id=str(view.id),
        name=page_request.pick(view.title, view.title_en),
        seller_name=view.seller_name,
        kind=view.kind,
        version=view.version_number,
        waiting_s=waits_s,
        late=waits_s > REVIEWED_WITHIN_S,
        again=bool(view.review_reasons),
    )


def sold(page_request: PageRequest, view: ListingView) -> SoldListing:
    """A row of the listings that are, or were, on sale."""
    name = page_request.pick(view.title, view.title_en)
    return SoldListing(str(view.id), name, view.seller_name, view.state, view.version_number)


def review(page_request: PageRequest, data: ReviewData, typed: Mapping[str, str], error: str | None) -> ReviewView:
    """One listing before its reviewer, with what was typed so far."""
    latest, published = data.versions.latest, data.versions.published
    waits_s = seconds_since(latest.submitted_at or latest.created_at) if latest.version_state == "in_review" else 0
    before = [as_reason(one) for one in latest.review_reasons]
    found = check_version(latest, latest.plans, onboarded=data.onboarded)
    return ReviewView(
        listing_id=str(latest.id),
        name=page_request.pick(latest.title, latest.title_en),
        seller_name=latest.seller_name,
        state=latest.state,
        version_state=latest.version_state,
        version=latest.version_number,
        published=published.version_number if published else None,
        waiting_s=waits_s,
        late=waits_s > REVIEWED_WITHIN_S,
        seen=version_hash(latest, latest.kind, latest.category, latest.plans),
        shown=data.shown,
        changes=changes(page_request, data.versions),
        before=tuple(said(page_request, latest, one) for one in before),
        found=tuple(said(page_request, latest, one) for one in found),
        fields=_fields(page_request, latest, typed),
        reasons=tuple(Choice(code, reason(page_request, code, {})) for code in REASONS),
        checklist=CHECKLIST,
        ticked=typed,
        customers=data.customers,
        cards=data.cards,
        sale_changes=tuple(data.sale_changes),
        reason=typed.get("reason", ""),
        error=error,
    )


def reasons_of(form: Form) -> tuple[Reason, ...]:
    """What a reviewer chose and wrote, field by field. Words without a choice count as `review_other`.

    Raises:
        Invalid: `validation_failed` for a reason that is not offered, or too long a note.
    """
    found: list[Reason] = []
    for index in range(_MOST_FIELDS):
        name, code = form.text(f"field_{index}", most=100), form.text(f"code_{index}", most=60)
        note = form.text(f"note_{index}", most=_LONGEST_NOTE)
        if not code and not note:
            continue
        code = code or NOTED
        if code not in REASONS:
            raise Invalid("validation_failed", field=f"code_{index}")
        found.append(Reason(field=name, code=code, note=note) if note else Reason(field=name, code=code))
    return tuple(found)


def _fields(page_request: PageRequest, view: ListingView, typed: Mapping[str, str]) -> tuple[ReasonField, ...]:
    """What may be returned: every text that is there, the category, pictures, terms, what matters of each plan, the whole."""
    names = [name for name in TEXT_FIELDS if getattr(view, name)] + ["category", "tax_category", "selling_model"]
    names += [name for name in ("images", "terms") if getattr(view, name)]
    names += [f"plans.{plan.code}.{column}" for plan in view.plans for column in _OF_PLANS]
    names.append("")
    return tuple(
        ReasonField(
            name,
            field_name(page_request, view, name),
            typed.get(f"code_{index}", ""),
            typed.get(f"note_{index}", ""),
        )
        for index, name in enumerate(names)
    )
