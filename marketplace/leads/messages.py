"""What both sides of a lead write to each other."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from marketplace.input_text import paragraphs
from marketplace.leads.events import LeadMessageSent
from marketplace.leads.models import LEAD, OPEN, Lead, LeadMessage
from marketplace.relations.note_customers import note_message

MAX_MESSAGE = 4_000
Side = Literal["buyer", "seller"]


def send_message(uow: UnitOfWork, lead_id: UUID, text: str) -> LeadMessage:
    """Write to the other side: the seller's words answer a request, the buyer's open an answered one again.

    Raises:
        Forbidden: `person_required`; `permission_missing` for a seller's member without leads.manage.
        NotFound: `lead_not_found`. Invalid: `text_required`, `text_too_long`. Conflict: `lead_closed`.

    Emits: LeadMessageSent. Locks: the lead.
    """
    lead = lock_lead(uow, lead_id)
    side: Side = "buyer" if lead.buyer_org_id == uow.principal.organization() else "seller"
    if side == "seller":
        uow.principal.require("leads.manage")
    cleaned = paragraphs("text", text, MAX_MESSAGE)
    if not cleaned:
        raise Invalid("text_required", field="text")
    require_open(lead)
    parties = [lead.buyer_org_id, lead.seller_org_id]
    if side == "seller":
        LEAD.move(uow, lead, "answered", org_ids=parties)
    elif lead.state == "answered":
        LEAD.move(uow, lead, "working", org_ids=parties)
    message = add_message(uow, lead, side, cleaned)
    emit(
        uow,
        LeadMessageSent(lead_id=lead.id, buyer_org_id=lead.buyer_org_id, seller_org_id=lead.seller_org_id, side=side),
    )
    return message


def add_message(uow: UnitOfWork, lead: Lead, side: Side, text: str) -> LeadMessage:
    """Keep words that were cleaned and found not to be empty."""
    message = LeadMessage(
        id=uuid7(),
        lead_id=lead.id,
        buyer_org_id=lead.buyer_org_id,
        seller_org_id=lead.seller_org_id,
        side=side,
        person_id=uow.principal.person(),
        text=text,
        created_at=clock.now(),
    )
    uow.session.add(message)
    uow.flush()
    note_message(uow, lead.seller_org_id, lead.buyer_org_id, message.created_at)
    return message


def lock_open_lead(uow: UnitOfWork, lead_id: UUID) -> Lead:
    """A request of the acting seller that can be answered.

    Raises: NotFound `lead_not_found`; Conflict `lead_closed`. Locks: the lead.
    """
    lead = lock_lead(uow, lead_id)
    if lead.seller_org_id != uow.principal.organization():
        raise NotFound("lead_not_found")
    require_open(lead)
    return lead


def answer_lead(uow: UnitOfWork, lead: Lead) -> None:
    """A locked request is answered by what its caller adds to it."""
    LEAD.move(uow, lead, "answered", org_ids=[lead.buyer_org_id, lead.seller_org_id])
    uow.flush()


def reopen_lead(uow: UnitOfWork, lead_id: UUID) -> None:
    """Its buyer said no to the answer: the seller goes on with it. Not answered, or closed, nothing changes. Locks: the lead."""
    lead = lock_row(uow.session, Lead, lead_id)
    if lead is not None and lead.state == "answered":
        LEAD.move(uow, lead, "working", org_ids=[lead.buyer_org_id, lead.seller_org_id])
        uow.flush()


def win_lead(uow: UnitOfWork, lead_id: UUID) -> None:
    """What was offered on it is paid for, whatever either side has said meanwhile. Locks: the lead."""
    lead = lock_row(uow.session, Lead, lead_id)
    if lead is not None:
        LEAD.move(uow, lead, "won", org_ids=[lead.buyer_org_id, lead.seller_org_id])
        uow.flush()


def lock_lead(uow: UnitOfWork, lead_id: UUID) -> Lead:
    """A lead of the acting organization, on either side. Raises NotFound(`lead_not_found`)."""
    lead = lock_row(uow.session, Lead, lead_id)
    if lead is None or uow.principal.organization() not in {lead.buyer_org_id, lead.seller_org_id}:
        raise NotFound("lead_not_found")
    return lead


def require_open(lead: Lead) -> None:
    """Raises Conflict(`lead_closed`) when it is closed: neither side is written to any more."""
    if lead.state not in OPEN:
        raise Conflict("lead_closed", state=lead.state)


def forget_contact(uow: UnitOfWork, lead_id: UUID, email: str, phone: str) -> bool:
    """Whoever gave this contact takes it back: it is forgotten, where the request holds it, in whatever state. Returns whether
    it did. Locks: the lead.
    """
    lead = lock_row(uow.session, Lead, lead_id)
    if lead is None or (lead.contact_email, lead.contact_phone) != (email, phone):
        return False
    lead.contact_name = lead.contact_email = lead.contact_phone = ""
    uow.flush()
    return True
