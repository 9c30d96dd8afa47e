"""Down to which share of a list price anybody may offer; below it an offer waits for whoever approves offers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from kernel import audit
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.ids import uuid7
from kernel.money import PPM
from marketplace.catalog.models import Listing, ListingVersion
from orders.offers.models import OfferFloor
from orders.offers.offered_price import Figures

APPROVE = "offers.approve"


@dataclass(frozen=True, slots=True)
class SetFloor:
    """`floor_ppm` of the list price, of one product or of all that have no floor of their own; None: no floor."""

    listing_id: UUID | None
    floor_ppm: int | None


@dataclass(frozen=True, slots=True)
class FloorView:
    """A floor, and what it is of."""

    listing_id: UUID | None
    title: str
    title_en: str
    floor_ppm: int


def set_floor(uow: UnitOfWork, command: SetFloor) -> None:
    """Create, change or remove the acting seller's floor of a scope; of two at once the later stands. What was offered stays.

    Raises: Forbidden `permission_missing` without offers.approve; Invalid `offer_floor`; NotFound `listing_not_found`.
    """
    uow.principal.require(APPROVE)
    seller_id = uow.principal.organization()
    if command.floor_ppm is not None and not 1 <= command.floor_ppm <= PPM:
        raise Invalid("offer_floor", field="floor")
    if command.listing_id is not None:
        listing = uow.session.get(Listing, command.listing_id)
        if listing is None or listing.org_id != seller_id:
            raise NotFound("listing_not_found")
    of = {"seller_org_id": seller_id, "listing_id": command.listing_id}
    if command.floor_ppm is None:
        uow.session.execute(delete(OfferFloor).filter_by(**of))
    else:
        terms = {"floor_ppm": command.floor_ppm}
        uow.session.execute(
            insert(OfferFloor)
            .values(id=uuid7(), **of, **terms)
            .on_conflict_do_update(index_elements=list(of), set_=terms)
        )
    audit.record(uow, "offer_floor.set", subject_id=command.listing_id or seller_id, floor_ppm=command.floor_ppm)


def list_floors(uow: UnitOfWork) -> Sequence[FloorView]:
    """The acting seller's, that of all products first. Raises Forbidden(`permission_missing`) without offers.approve."""
    uow.principal.require(APPROVE)
    found = (
        select(OfferFloor, ListingVersion.title, ListingVersion.title_en)
        .join(Listing, Listing.id == OfferFloor.listing_id, isouter=True)
        .join(ListingVersion, ListingVersion.id == Listing.current_version_id, isouter=True)
        .where(OfferFloor.seller_org_id == uow.principal.organization())
        .order_by(OfferFloor.listing_id.is_not(None), ListingVersion.title, OfferFloor.id)
    )
    return [
        FloorView(floor.listing_id, title or "", title_en or "", floor.floor_ppm)
        for floor, title, title_en in uow.session.execute(found)
    ]


def below_floor(
    uow: UnitOfWork, seller_org_id: UUID, listing_ids: Sequence[UUID], figures: Sequence[Figures]
) -> list[dict[str, int]]:
    """Of the lines of a seller's offer those with a price below the floor of their product, as an approval keeps them.

    `listing_ids`: the product of each line. A discount typed down to the floor is not below it because we rounded; else exact.
    """
    found = select(OfferFloor.listing_id, OfferFloor.floor_ppm).where(OfferFloor.seller_org_id == seller_org_id)
    floors: dict[UUID | None, int] = dict(uow.session.execute(found).all())
    below = []
    for number, (listing_id, own) in enumerate(zip(listing_ids, figures, strict=True), 1):
        ppm = floors.get(listing_id, floors.get(None, 0))
        if own.is_below(ppm):
            below.append({"number": number, "floor_ppm": ppm, "least_ppm": own.least_ppm})
    return below
