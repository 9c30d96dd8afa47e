"""Ask a seller for a demo, a quote or advice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.locks import lock_aggregate
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.states import state_in
from marketplace.access.counted_limits import Limit, count_within
from marketplace.attribution.record_touchpoints import TouchpointIn, record_touchpoints
from marketplace.catalog.access import SHOWN
from marketplace.catalog.models import Listing, Plan
from marketplace.catalog.sellable import off_sale
from marketplace.discovery.feed import get_placed
from marketplace.input_text import checked_email, line, optional_line, paragraphs
from marketplace.leads.consent_text import CONSENT_VERSION, consent_text
from marketplace.leads.events import LeadArrived
from marketplace.leads.messages import MAX_MESSAGE, add_message, send_message
from marketplace.leads.models import KINDS, LEAD, OPEN, Lead, LeadMessage
from marketplace.parties.lookups import get_party
from marketplace.parties.models import Organization
from marketplace.relations.note_customers import KnownCustomer, note_customers

OF_PERSON = Limit(10, timedelta(days=1))
"""Enough to compare the market; too few to flood it."""
OF_ORGANIZATION = Limit(30, timedelta(days=1))
OF_NETWORK = Limit(60, timedelta(days=1))
"""Wider: an office or a mobile network shares one address. Whoever makes up organizations to ask by has one, too."""
TOO_OFTEN = "leads_too_often"
MOST_SEATS = 1_000_000


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom the seller may write to or call, and the version of the words under which they said so; without, it is refused."""

    name: str
    email: str
    consent_version: str
    phone: str = ""
    locale: str = "zh-CN"
    consent_text: str = ""
    """Of a badge that was given, or of a follow: the other words that were agreed to, under their own version."""


@dataclass(frozen=True, slots=True)
class CreateLead:
    """What is asked for. `placement_id` and `second_ms`: the card in a video that it is asked from. No contact, no consent."""

    kind: str
    listing_id: UUID
    text: str = ""
    plan_id: UUID | None = None
    quantity: int | None = None
    placement_id: UUID | None = None
    second_ms: int | None = None
    contact: Contact | None = None
    network_address: str | None = None
    """Where it is asked from, as far as that is known."""
    by_badge: bool = False
    """Whether it comes of a badge that was given to a booth: it needs no words, and was counted there."""
    channel_id: UUID | None = None
    """The channel that was followed with consent to being contacted: it needs no words."""


def create_lead(uow: UnitOfWork, command: CreateLead) -> Lead:
    """Ask for the acting person's organization. Asked already and not closed, that request is returned and nothing counted: what
    is asked in other words goes on in its thread, another plan or quantity stands in it from now on, and a contact that is
    given with consent.

    Raises:
        Forbidden: `person_required`.
        NotFound: `listing_not_found`, `plan_not_found`, `placement_not_found`.
        Invalid: `lead_kind_unknown`, `lead_quantity`, `text_required`, `text_too_long`, `email_invalid`;
            `consent_required` for a contact without consent.
        Conflict: as `off_sale`, `own_product`; `consent_outdated` when other words are in force than those agreed to.
        TooMany: `leads_too_often` with `retry_after_s` and `minutes`.

    Emits: LeadArrived; LeadMessageSent for other words. Locks: the organization's requests, the open one, then its counts.
    Idempotent by: organization, listing and kind, as long as the request is open.
    """
    buyer_id, person_id = uow.principal.organization(), uow.principal.person()
    if command.kind not in KINDS:
        raise Invalid("lead_kind_unknown", field="kind")
    if command.quantity is not None and not 1 <= command.quantity <= MOST_SEATS:
        raise Invalid("lead_quantity", field="quantity", most=MOST_SEATS)
    listing = _listing(uow, command)
    if listing.org_id == buyer_id:
        raise Conflict("own_product")
    message = paragraphs("text", command.text, MAX_MESSAGE)
    if command.kind == "consult" and not (message or command.by_badge or command.channel_id):
        raise Invalid("text_required", field="text")
    _require_consent(command.contact)
    lock_aggregate(uow, buyer_id)
    found = find_open_lead(uow, listing.id, command.kind, lock=True)
    if found is not None:
        _give_contact(uow, found, command.contact)
        _say_more(uow, found, command, message)
        return found
    if not command.by_badge:
        _count(uow, person_id, buyer_id, command.network_address)
    lead = Lead(
        id=uuid7(),
        buyer_org_id=buyer_id,
        seller_org_id=listing.org_id,
        buyer_name=uow.session.get_one(Organization, buyer_id).display_name,
        kind=command.kind,
        listing_id=listing.id,
        plan_id=command.plan_id,
        quantity=command.quantity,
        placement_id=command.placement_id,
        second_ms=command.second_ms if command.placement_id else None,
        channel_id=command.channel_id,
        asked_by=person_id,
        assigned_to=None,
        due_on=None,
        created_at=clock.now(),
        **_contact(uow, command.contact, listing.org_id),
    )
    _keep(uow, lead)
    _record_touchpoint(uow, lead)
    if message:
        add_message(uow, lead, "buyer", message)
    emit(uow, LeadArrived(lead_id=lead.id, buyer_org_id=buyer_id, seller_org_id=listing.org_id))
    return lead


def _keep(uow: UnitOfWork, lead: Lead) -> None:
    LEAD.begin(uow, lead, org_ids=[lead.buyer_org_id, lead.seller_org_id])
    uow.session.add(lead)
    uow.flush()
    asks = KnownCustomer(lead.seller_org_id, lead.buyer_org_id, lead.buyer_name)
    note_customers(uow, [asks], "asked", lead.created_at)


def find_open_lead(uow: UnitOfWork, listing_id: UUID, kind: str, *, lock: bool = False) -> Lead | None:
    """What the acting organization asks for already."""
    found = select(Lead).where(
        Lead.buyer_org_id == uow.principal.organization(),
        Lead.listing_id == listing_id,
        Lead.kind == kind,
        state_in(Lead.state, *OPEN),
    )
    return uow.session.scalars(found.with_for_update() if lock else found).one_or_none()


def _count(uow: UnitOfWork, person_id: UUID, buyer_id: UUID, network_address: str | None) -> None:
    with as_platform(uow):
        count_within(uow, OF_PERSON, TOO_OFTEN, "lead_person", str(person_id))
        count_within(uow, OF_ORGANIZATION, TOO_OFTEN, "lead_organization", str(buyer_id))
        if network_address is not None:
            count_within(uow, OF_NETWORK, TOO_OFTEN, "lead_network", network_address)


def _listing(uow: UnitOfWork, command: CreateLead) -> Listing:
    """The listing on sale that is asked about, of which the plan and the card must be."""
    listing = uow.session.scalar(select(Listing).where(Listing.id == command.listing_id, SHOWN))
    if listing is None or listing.current_version_id is None:
        raise NotFound("listing_not_found")
    if listing.state != "published":
        raise off_sale(listing.state)
    if command.plan_id is not None:
        plan = uow.session.get(Plan, command.plan_id)
        if plan is None or plan.listing_id != listing.id or plan.published_at is None:
            raise NotFound("plan_not_found")
    if command.placement_id is not None:
        _, card = get_placed(uow, command.placement_id)
        if card.listing_id != listing.id:
            raise NotFound("placement_not_found")
    return listing


def _record_touchpoint(uow: UnitOfWork, lead: Lead) -> None:
    """For the funnel of the card's video."""
    if lead.placement_id is None:
        return
    item, card = get_placed(uow, lead.placement_id)
    second_ms = min(max(lead.second_ms or 0, 0), item.duration_ms)
    record_touchpoints(uow, [TouchpointIn(uuid7(), "lead", clock.now(), item.id, card.placement_id, second_ms)])


def _say_more(uow: UnitOfWork, lead: Lead, command: CreateLead, message: str) -> None:
    """The same again, as by a second click, changes nothing."""
    if command.plan_id is not None:
        lead.plan_id = command.plan_id
    if command.quantity is not None:
        lead.quantity = command.quantity
    known = select(LeadMessage.id).where(LeadMessage.lead_id == lead.id, LeadMessage.text == message)
    if message and uow.session.scalars(known.limit(1)).first() is None:
        send_message(uow, lead.id, message)


def _is_given(contact: Contact | None) -> bool:
    """Whether there is anything of a contact: a datum, or consent to giving one."""
    return contact is not None and any(
        one.strip() for one in (contact.name, contact.email, contact.phone, contact.consent_version)
    )


def _require_consent(contact: Contact | None) -> None:
    """Dropping the contact would leave its giver waiting to be called."""
    if contact is not None and _is_given(contact) and not contact.consent_version:
        raise Invalid("consent_required", field="consent_version")


def _give_contact(uow: UnitOfWork, lead: Lead, contact: Contact | None) -> None:
    """The same again changes nothing: the consent keeps its day."""
    if not _is_given(contact):
        return
    given = _contact(uow, contact, lead.seller_org_id)
    names = [name for name in given if name != "consented_at"]
    if any(getattr(lead, name) != given[name] for name in names):
        for name, value in given.items():
            setattr(lead, name, value)
        uow.flush()


def _contact(uow: UnitOfWork, contact: Contact | None, seller_id: UUID) -> dict[str, object]:
    if contact is None or not _is_given(contact):
        return {
            "contact_name": "",
            "contact_email": "",
            "contact_phone": "",
            "consent_version": None,
            "consent_text": None,
            "consented_at": None,
        }
    if not contact.consent_text and contact.consent_version != CONSENT_VERSION:
        raise Conflict("consent_outdated")
    # A badge may name no mailbox.
    has_mailbox = contact.email or not contact.consent_text
    return {
        "contact_name": line("contact_name", contact.name, 100),
        "contact_email": checked_email(contact.email, field="contact_email") if has_mailbox else "",
        "contact_phone": optional_line("contact_phone", contact.phone, 40),
        "consent_version": contact.consent_version,
        "consent_text": contact.consent_text or consent_text(contact.locale, get_party(uow, seller_id).display_name),
        "consented_at": clock.now(),
    }
