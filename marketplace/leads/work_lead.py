"""What a seller does with a lead: who takes care of it, until when, what to remember, and how it ended; and a buyer's end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from marketplace.access.models import Member
from marketplace.access.permissions import permissions_of
from marketplace.input_text import paragraphs
from marketplace.leads.events import LeadAssigned, LeadClosed
from marketplace.leads.messages import lock_lead, require_open
from marketplace.leads.models import LEAD, OPEN, Lead, LeadNote

SET_BY_SELLER = ("working", "won", "lost")
MAX_NOTE = 2_000
MANAGE = "leads.manage"


@dataclass(frozen=True, slots=True)
class PlanLead:
    """Who takes care of it, and until when; None for nobody, and for no date. `state`: where it stands, None as it is."""

    lead_id: UUID
    assigned_to: UUID | None
    due_on: date | None
    state: str | None = None


def plan_lead(uow: UnitOfWork, command: PlanLead) -> Lead:
    """Assign it, date it, and say where it stands. As it is already, nothing changes.

    Raises:
        Forbidden: `permission_missing` without leads.manage.
        NotFound: `lead_not_found`, `member_not_found`: not an active member of the seller who may work on requests.
        Invalid: `lead_state_unknown`. Conflict: `lead_closed`.

    Locks: the lead. Emits: LeadAssigned, LeadClosed.
    """
    lead = _lock_own(uow, command.lead_id)
    if command.state is not None and command.state not in (*SET_BY_SELLER, lead.state):
        raise Invalid("lead_state_unknown", field="state")
    wanted = (command.assigned_to, command.due_on, command.state or lead.state)
    if wanted == (lead.assigned_to, lead.due_on, lead.state):
        return lead
    require_open(lead)
    sides = {"lead_id": lead.id, "buyer_org_id": lead.buyer_org_id, "seller_org_id": lead.seller_org_id}
    if command.assigned_to is not None and command.assigned_to != lead.assigned_to:
        _require_member(uow, lead.seller_org_id, command.assigned_to)
        emit(uow, LeadAssigned(**sides, person_id=command.assigned_to, by=uow.principal.person()))
    lead.assigned_to, lead.due_on = command.assigned_to, command.due_on
    if command.state is not None:
        LEAD.move(uow, lead, command.state, org_ids=[lead.buyer_org_id, lead.seller_org_id])
    uow.flush()
    if lead.state not in OPEN:
        emit(uow, LeadClosed(**sides))
    return lead


def add_note(uow: UnitOfWork, lead_id: UUID, text: str) -> LeadNote:
    """Keep a note for the seller's own members.

    Raises: Forbidden, NotFound as `plan_lead`; Invalid `text_required`, `text_too_long`.
    """
    lead = _lock_own(uow, lead_id)
    cleaned = paragraphs("note", text, MAX_NOTE)
    if not cleaned:
        raise Invalid("text_required", field="note")
    note = LeadNote(
        id=uuid7(),
        lead_id=lead.id,
        seller_org_id=lead.seller_org_id,
        person_id=uow.principal.person(),
        text=cleaned,
        created_at=clock.now(),
    )
    uow.session.add(note)
    uow.flush()
    return note


def withdraw_lead(uow: UnitOfWork, lead_id: UUID) -> Lead:
    """The buyer does not want it any more: the contact that was given with it is forgotten. Done already, nothing changes.

    Raises:
        NotFound: `lead_not_found`, the seller included. Conflict: `lead_closed` when the seller closed it.

    Locks: the lead. Emits: LeadClosed.
    """
    lead = lock_lead(uow, lead_id)
    if lead.buyer_org_id != uow.principal.organization():
        raise NotFound("lead_not_found")
    if lead.state in {"won", "lost"}:
        raise Conflict("lead_closed", state=lead.state)
    if LEAD.move(uow, lead, "withdrawn", org_ids=[lead.buyer_org_id, lead.seller_org_id]):
        lead.contact_name = lead.contact_email = lead.contact_phone = ""
        uow.flush()
        emit(uow, LeadClosed(lead_id=lead.id, buyer_org_id=lead.buyer_org_id, seller_org_id=lead.seller_org_id))
    return lead


def _lock_own(uow: UnitOfWork, lead_id: UUID) -> Lead:
    uow.principal.require(MANAGE)
    lead = lock_lead(uow, lead_id)
    if lead.seller_org_id != uow.principal.organization():
        raise NotFound("lead_not_found")
    return lead


def _require_member(uow: UnitOfWork, org_id: UUID, person_id: UUID) -> None:
    found = uow.session.scalars(
        select(Member).where(Member.org_id == org_id, Member.person_id == person_id, Member.state == "active")
    ).one_or_none()
    if found is None or MANAGE not in permissions_of(found.roles):
        raise NotFound("member_not_found")
