"""What one may know of entitlements. Every read is filtered by who asks; row level security is the second net."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select

from fulfillment.entitlements.models import Entitlement, Seat
from fulfillment.entitlements.views import EntitlementDetail, EntitlementRow, SeatRow
from fulfillment.visibility import is_acting_organization
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.paging import Page, cut, newest_first
from marketplace.access.models import Person
from marketplace.catalog.models import Plan
from marketplace.parties.models import Organization


def entitlements_of_buyer(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 50) -> Page[EntitlementRow]:
    """What the acting organization bought, newest first."""
    statement = _entitlements().where(Entitlement.buyer_org_id == uow.principal.organization())
    statement = newest_first(statement, Entitlement.created_at, Entitlement.id, cursor, limit)
    rows = [_entitlement(row) for row in uow.session.execute(statement)]
    return cut(rows, limit, lambda row: (row.created_at, row.id))


def entitlements_of_customer(uow: UnitOfWork, buyer_id: UUID, *, limit: int = 20) -> list[EntitlementRow]:
    """The latest that the acting seller sold to an organization, newest first."""
    statement = (
        _entitlements()
        .where(Entitlement.seller_org_id == uow.principal.organization(), Entitlement.buyer_org_id == buyer_id)
        .order_by(Entitlement.created_at.desc(), Entitlement.id.desc())
        .limit(limit)
    )
    return [_entitlement(row) for row in uow.session.execute(statement)]


def get_entitlement(uow: UnitOfWork, entitlement_id: UUID) -> EntitlementDetail:
    """One entitlement of the acting buyer, or of anybody for the platform. Raises NotFound."""
    statement = _entitlements().where(Entitlement.id == entitlement_id, bought_by_me(uow))
    found = uow.session.execute(statement).first()
    if found is None:
        raise NotFound("not_found")
    seats = uow.session.execute(
        select(Seat.id, Seat.person_id, Person.name, Person.email, Seat.assigned_at)
        .join(Person, Person.id == Seat.person_id)
        .where(
            Seat.org_id == found.Entitlement.buyer_org_id,
            Seat.entitlement_id == entitlement_id,
            Seat.revoked_at.is_(None),
        )
        .order_by(Seat.assigned_at, Seat.id)
    )
    return EntitlementDetail(_entitlement(found), tuple(SeatRow(*row) for row in seats))


def launch_address(uow: UnitOfWork, entitlement_id: UUID) -> str:
    """Where the buyer's "open" leads.

    Raises: NotFound; Conflict `entitlement_of_end_customer` (a dealer ordered it for another organization, which opens it),
        `entitlement_not_active` (pending, suspended, ended or past its term), `entitlement_has_no_address` when the seller
        named none.
    """
    row = get_entitlement(uow, entitlement_id).row
    if row.end_customer is not None:
        raise Conflict("entitlement_of_end_customer")
    if not row.is_usable:
        raise Conflict("entitlement_not_active", state="expired" if row.state == "active" else row.state)
    if row.launch_url is None:
        raise Conflict("entitlement_has_no_address")
    return row.launch_url


def customers_by_listing(uow: UnitOfWork) -> dict[UUID, int]:
    """How many organizations have an active entitlement of each listing of the acting seller."""
    rows = uow.session.execute(
        select(Entitlement.listing_id, func.count(Entitlement.buyer_org_id.distinct()).label("customers"))
        .where(Entitlement.seller_org_id == uow.principal.organization(), Entitlement.state == "active")
        .group_by(Entitlement.listing_id)
    )
    return {row.listing_id: row.customers for row in rows}


def count_customers(uow: UnitOfWork, listing_id: UUID) -> int:
    """How many organizations have an active entitlement of a listing, the acting seller's own or, for the platform, any."""
    statement = select(func.count(Entitlement.buyer_org_id.distinct())).where(
        Entitlement.listing_id == listing_id, Entitlement.state == "active"
    )
    if not uow.principal.is_platform:
        statement = statement.where(Entitlement.seller_org_id == uow.principal.organization())
    return uow.session.scalar(statement) or 0


def bought_by_me(uow: UnitOfWork) -> ColumnElement[bool]:
    """The entitlement was bought by the acting organization."""
    return is_acting_organization(uow, Entitlement.buyer_org_id)


def sold_by_me(uow: UnitOfWork) -> ColumnElement[bool]:
    """The entitlement was sold by the acting organization."""
    return is_acting_organization(uow, Entitlement.seller_org_id)


def _entitlements() -> Select[Any, Any, Any, Any, Any]:
    return (
        select(Entitlement, Plan.code, Plan.name, Plan.name_en, Organization.display_name)
        .join(Plan, Plan.id == Entitlement.plan_id)
        .join(Organization, Organization.id == Entitlement.seller_org_id)
    )


def _entitlement(found: Any) -> EntitlementRow:
    row: Entitlement = found.Entitlement
    return EntitlementRow(
        id=row.id,
        buyer_org_id=row.buyer_org_id,
        seller_org_id=row.seller_org_id,
        seller_name=found.display_name,
        reference=row.reference,
        listing_id=row.listing_id,
        title=row.title,
        title_en=row.title_en,
        plan_id=row.plan_id,
        plan_code=found.code,
        plan_name=found.name,
        plan_name_en=found.name_en,
        state=row.state,
        seats=row.seats,
        seats_used=row.seats_used,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        external_id=row.external_id,
        launch_url=row.launch_url if row.end_customer_id is None else None,
        order_id=row.context.get("order_id"),
        created_at=row.created_at,
        trial_days=row.trial_days,
        data_kept_days=row.data_kept_days,
        data_kept_until=row.data_kept_until,
        past_due_at=row.past_due_at,
        seats_allocated=row.seats_allocated,
        end_customer=row.context["end_customer"]["name"] if row.end_customer_id is not None else None,
    )
