"""What can be bought now, for whoever writes an order. Orders copy what they read here; nothing financial is read again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, case, func, select

from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from marketplace.catalog.access import SHOWN
from marketplace.catalog.models import Listing, ListingVersion, Plan
from marketplace.catalog.selling_model import AGENCY, UNREADY
from marketplace.parties.models import Organization
from marketplace.pricing.shapes import is_by_seat


@dataclass(frozen=True, slots=True)
class Sellable:
    """A plan as it can be bought now. `unit_price_minor` is for one unit (a seat, or the whole) for one interval."""

    plan_id: UUID
    plan_code: str
    plan_name: str
    plan_name_en: str
    seller_org_id: UUID
    listing_id: UUID
    listing_version_id: UUID
    kind: str
    category: str
    title: str
    title_en: str
    tax_category: str
    selling_model: str
    pricing: str
    interval: str
    term_months: int
    currency: str
    unit_price_minor: int
    price: dict[str, Any] | None
    tax_included: bool
    untaxed_price: str
    min_seats: int
    max_seats: int
    features: tuple[dict[str, Any], ...]
    deadline_s: int
    connector_id: UUID | None
    refund_window_days: int
    data_kept_days: int
    trial_days: int
    trial_needs_method: bool
    renewal_lead_days: int
    contract_terms: int

    @property
    def sold_by_seat(self) -> bool:
        """Whether a quantity of it is a number of seats."""
        return is_by_seat(self.pricing, self.price)


_SELLABLE = Read(
    select(
        Plan,
        ListingVersion,
        Listing,
        Organization,
        case((ListingVersion.selling_model == AGENCY, True), else_=func.marketplace.platform_may_sell()),
        SHOWN,
    )
    .join(ListingVersion, ListingVersion.id == Plan.version_id)
    .join(Listing, Listing.id == Plan.listing_id)
    .join(Organization, Organization.id == Plan.org_id)
    .where(Plan.id == bindparam("plan_id"), Plan.published_at.is_not(None))
)


def ask_sellable(uow: UnitOfWork, plan_id: UUID) -> None:
    """Ask ahead for `get_sellable`."""
    uow.ask_ahead(_SELLABLE, plan_id=plan_id)


def off_sale(listing_state: str) -> Conflict:
    """Why nothing of a listing in this state is sold, or of a published one whose seller is suspended."""
    return Conflict("listing_paused" if listing_state == "paused" else "listing_suspended")


def _is_sold(listing_state: str, seller_state: str, *, goes_on: bool) -> bool:
    states = ("published", "paused") if goes_on else ("published",)
    return listing_state in states and seller_state == "active"


def get_sellable(
    uow: UnitOfWork, plan_id: UUID, *, replaced: bool = False, anew: bool = False, goes_on: bool = False
) -> Sellable:
    """The plan as it can be bought now; with `replaced` also one that a newer version of its listing has replaced.

    `anew`: it is bought neither by an offer nor to go on with what the acting organization has, so that it has to be shown to it.
    What only `goes_on`, as a renewal, was delivered: it is sold while failed deliveries keep its listing from new buyers.

    Raises:
        NotFound: `plan_not_found`: there is none, it was never published, or is for other partners of its seller.
        Conflict: `plan_withdrawn` when the plan or its version has been replaced or taken back;
            `listing_suspended` when the listing is not on sale, `listing_paused` when that is because its deliveries failed;
            `platform_may_not_sell` when the platform, which is the one that sells it, lacks what an invoice has to say of it.
    """
    row = uow.find(_SELLABLE, plan_id=plan_id)
    if row is None:
        raise NotFound("plan_not_found")
    plan, version, listing, seller, may_be_sold, is_shown = row
    if anew and not is_shown:
        raise NotFound("plan_not_found")
    if not _is_sold(listing.state, seller.state, goes_on=goes_on):
        raise off_sale(listing.state)
    is_current = listing.current_version_id == version.id
    if (plan.state != "active" and is_current) or not (is_current or replaced):
        raise Conflict("plan_withdrawn")
    if not may_be_sold:
        raise Conflict(UNREADY)
    return _sellable(plan, version, listing)


def _sellable(plan: Any, version: Any, listing: Any) -> Sellable:
    return Sellable(
        plan_id=plan.id,
        plan_code=plan.code,
        # A listing may speak one language alone; what is copied from here onto orders and documents speaks both.
        plan_name=plan.name or plan.name_en,
        plan_name_en=plan.name_en or plan.name,
        seller_org_id=plan.org_id,
        listing_id=listing.id,
        listing_version_id=version.id,
        kind=listing.kind,
        category=listing.category,
        title=version.title or version.title_en,
        title_en=version.title_en or version.title,
        tax_category=version.tax_category,
        selling_model=version.selling_model,
        pricing=plan.pricing,
        interval=plan.interval,
        term_months=plan.term_months,
        currency=plan.currency,
        unit_price_minor=plan.unit_price_minor,
        price=plan.price,
        tax_included=plan.tax_included,
        untaxed_price=plan.untaxed_price,
        min_seats=plan.min_seats,
        max_seats=plan.max_seats,
        features=tuple(plan.features),
        deadline_s=plan.deadline_s,
        connector_id=plan.connector_id,
        refund_window_days=version.refund_window_days,
        data_kept_days=version.data_kept_days,
        trial_days=plan.trial_days,
        trial_needs_method=plan.trial_needs_method,
        renewal_lead_days=plan.renewal_lead_days,
        contract_terms=plan.contract_terms,
    )


_STILL_SOLD = Read(
    select(Plan.state, Plan.version_id, Listing.state, Listing.current_version_id, Organization.state, SHOWN)
    .join(Listing, Listing.id == Plan.listing_id)
    .join(Organization, Organization.id == Plan.org_id)
    .where(Plan.id == bindparam("plan_id"), Plan.published_at.is_not(None))
)


def ask_still_sold(uow: UnitOfWork, plan_id: UUID) -> None:
    """Ask ahead for `require_still_sold`."""
    uow.ask_ahead(_STILL_SOLD, plan_id=plan_id)


def require_still_sold(uow: UnitOfWork, plan_id: UUID, *, anew: bool = False, goes_on: bool = False) -> None:
    """Refuse what may not be sold any more since it was quoted. A newer version of the listing alone, with another price,
    does not undo a quote: its plans were replaced, not taken back. `anew` and `goes_on` as for `get_sellable`.

    Raises:
        NotFound: `plan_not_found`: also where it is for partners of its seller, and the acting organization is none any more.
        Conflict: `plan_withdrawn` when the seller took the plan back, `listing_suspended` when the listing is not on sale,
            `listing_paused` when that is because its deliveries failed.
    """
    row = uow.find(_STILL_SOLD, plan_id=plan_id)
    if row is None:
        raise NotFound("plan_not_found")
    plan_state, version_id, listing_state, current_version_id, seller_state, is_shown = row
    if anew and not is_shown:
        raise NotFound("plan_not_found")
    if not _is_sold(listing_state, seller_state, goes_on=goes_on):
        raise off_sale(listing_state)
    if plan_state != "active" and version_id == current_version_id:
        raise Conflict("plan_withdrawn")
