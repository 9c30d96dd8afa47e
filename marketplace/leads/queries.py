"""What each side reads of its leads: the seller what it works with, the buyer what it asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from marketplace.access.models import Person
from marketplace.catalog.models import Listing, ListingVersion
from marketplace.leads.models import Lead, LeadMessage, LeadNote
from marketplace.parties.models import Organization


@dataclass(frozen=True, slots=True)
class LeadView:
    """A lead as both sides see it. The contact is empty without consent."""

    id: UUID
    kind: str
    state: str
    buyer_org_id: UUID
    buyer_name: str
    seller_org_id: UUID
    seller_name: str
    listing_id: UUID
    title: str
    title_en: str
    plan_id: UUID | None
    quantity: int | None
    placement_id: UUID | None
    second_ms: int | None
    channel_id: UUID | None
    """The seller's channel that was followed with consent to being contacted, of a request that came so."""
    contact_name: str
    contact_email: str
    contact_phone: str
    consent_version: str | None
    consent_text: str | None
    consented_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SellerLeadView:
    """The same with what only the seller's members see."""

    lead: LeadView
    assigned_to: UUID | None
    assigned_name: str | None
    due_on: date | None


@dataclass(frozen=True, slots=True)
class MessageView:
    """What a side wrote."""

    id: UUID
    side: str
    text: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NoteView:
    """A note of one of the seller's members."""

    id: UUID
    author: str
    text: str
    created_at: datetime


_ASSIGNED = aliased(Person)


def list_seller_leads(
    uow: UnitOfWork,
    *,
    cursor: str | None = None,
    limit: int = 20,
    state: str | None = None,
    kind: str | None = None,
    assigned_to: UUID | None = None,
    buyer_id: UUID | None = None,
) -> Page[SellerLeadView]:
    """What the acting seller was asked for, the newest first. Raises Forbidden(`permission_missing`) without leads.manage."""
    uow.principal.require("leads.manage")
    found = _leads().where(Lead.seller_org_id == uow.principal.organization())
    found = _narrowed(found, state, kind)
    if assigned_to is not None:
        found = found.where(Lead.assigned_to == assigned_to)
    if buyer_id is not None:
        found = found.where(Lead.buyer_org_id == buyer_id)
    rows = uow.session.execute(newest_first(found, Lead.created_at, Lead.id, cursor, limit)).all()
    return cut([_seller_view(row) for row in rows], limit, lambda one: (one.lead.created_at, one.lead.id))


def get_seller_lead(uow: UnitOfWork, lead_id: UUID) -> SellerLeadView:
    """One of the acting seller's. Raises NotFound(`lead_not_found`), Forbidden(`permission_missing`)."""
    uow.principal.require("leads.manage")
    own = _leads().where(Lead.id == lead_id, Lead.seller_org_id == uow.principal.organization())
    row = uow.session.execute(own).one_or_none()
    if row is None:
        raise NotFound("lead_not_found")
    return _seller_view(row)


def list_own_leads(
    uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20, state: str | None = None, kind: str | None = None
) -> Page[LeadView]:
    """What the acting organization asked for, the newest first."""
    found = _narrowed(_leads().where(Lead.buyer_org_id == uow.principal.organization()), state, kind)
    rows = uow.session.execute(newest_first(found, Lead.created_at, Lead.id, cursor, limit)).all()
    return cut([_view(row) for row in rows], limit, lambda one: (one.created_at, one.id))


def get_own_lead(uow: UnitOfWork, lead_id: UUID) -> LeadView:
    """One that the acting organization asked. Raises NotFound(`lead_not_found`)."""
    own = _leads().where(Lead.id == lead_id, Lead.buyer_org_id == uow.principal.organization())
    row = uow.session.execute(own).one_or_none()
    if row is None:
        raise NotFound("lead_not_found")
    return _view(row)


def messages_of(uow: UnitOfWork, lead_id: UUID) -> Sequence[MessageView]:
    """What both sides wrote, the oldest first, of a lead that the caller has found to be the principal's."""
    rows = uow.session.scalars(
        select(LeadMessage).where(LeadMessage.lead_id == lead_id).order_by(LeadMessage.created_at, LeadMessage.id)
    )
    return [MessageView(row.id, row.side, row.text, row.created_at) for row in rows]


def notes_of(uow: UnitOfWork, lead_id: UUID) -> Sequence[NoteView]:
    """The acting seller's notes on a lead, the oldest first."""
    rows = uow.session.execute(
        select(LeadNote, Person.name)
        .join(Person, Person.id == LeadNote.person_id)
        .where(LeadNote.lead_id == lead_id, LeadNote.seller_org_id == uow.principal.organization())
        .order_by(LeadNote.created_at, LeadNote.id)
    )
    return [NoteView(note.id, name, note.text, note.created_at) for note, name in rows]


def _leads() -> Select[Any]:
    found: Any = (
        select(Lead, ListingVersion, Organization.display_name, _ASSIGNED.name)
        .join(Listing, Listing.id == Lead.listing_id)
        .join(ListingVersion, ListingVersion.id == Listing.current_version_id)
        .join(Organization, Organization.id == Lead.seller_org_id)
        .join(_ASSIGNED, _ASSIGNED.id == Lead.assigned_to, isouter=True)
    )
    statement: Select[Any] = found
    return statement


def _narrowed(found: Select[Any], state: str | None, kind: str | None) -> Select[Any]:
    if state is not None:
        found = found.where(Lead.state == state)
    return found if kind is None else found.where(Lead.kind == kind)


def _view(row: Any) -> LeadView:
    lead, version, seller_name, _ = row
    given = {"seller_name": seller_name, "title": version.title, "title_en": version.title_en}
    return LeadView(**given, **{name: getattr(lead, name) for name in LeadView.__slots__ if name not in given})


def _seller_view(row: Any) -> SellerLeadView:
    lead, _, _, assigned_name = row
    return SellerLeadView(_view(row), lead.assigned_to, assigned_name, lead.due_on)
