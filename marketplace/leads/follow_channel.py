"""Follow a channel and let its seller get in touch: a lead that comes of a follow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import select

from kernel.db.locks import lock_aggregate
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.states import state_in
from marketplace.catalog.access import SHOWN
from marketplace.catalog.models import Listing
from marketplace.channels.open_channel import follow_channel
from marketplace.channels.queries import get_channel
from marketplace.input_text import checked_email
from marketplace.leads.consent_text import FOLLOW_VERSION, consent_text
from marketplace.leads.create_lead import Contact, CreateLead, create_lead
from marketplace.leads.models import OPEN, Lead
from marketplace.parties.lookups import get_party


@dataclass(frozen=True, slots=True)
class FollowForContact:
    """The channel, the product of its seller's that is spoken of, and whom to contact. `text`: what they would like to say."""

    channel_id: UUID
    listing_id: UUID
    contact: Contact
    text: str = ""
    network_address: str | None = None
    """Where it is asked from, as far as that is known."""


def follow_for_contact(uow: UnitOfWork, command: FollowForContact) -> Lead:
    """Follow a channel with consent to being contacted by the organization that runs it, as a request for advice about one of
    its products. While that request is open, it is returned, whatever product is chosen: a contact that is given again stands
    in it from now on, and words go on in its thread.

    Raises:
        as `create_lead`; NotFound: `channel_not_found`; `listing_not_found` also for another seller's.
        Conflict: `own_channel`. Invalid: `consent_required`, `email_invalid` where there is no telephone either.

    Emits, locks: as `create_lead`. Idempotent by: organization and channel, as long as the request is open.
    """
    buyer_id = uow.principal.organization()
    channel = get_channel(uow, command.channel_id)
    if channel.org_id == buyer_id:
        raise Conflict("own_channel")
    if not command.contact.consent_version:
        raise Invalid("consent_required", field="consent_version")
    if command.contact.consent_version != FOLLOW_VERSION:
        raise Conflict("consent_outdated")
    if not command.contact.phone.strip():
        checked_email(command.contact.email, field="contact_email")
    of_seller = select(Listing.org_id).where(Listing.id == command.listing_id, SHOWN)
    if uow.session.scalar(of_seller) != channel.org_id:
        raise NotFound("listing_not_found")
    # Before it is looked for: two that ask at once about two products are one request.
    lock_aggregate(uow, buyer_id)
    found = find_open_follow(uow, channel.id)
    words = consent_text(command.contact.locale, get_party(uow, channel.org_id).display_name, "follow")
    follow_channel(uow, channel.id)
    return create_lead(
        uow,
        CreateLead(
            "consult",
            found.listing_id if found else command.listing_id,
            command.text,
            contact=replace(command.contact, consent_text=words),
            channel_id=channel.id,
            network_address=command.network_address,
        ),
    )


def find_open_follow(uow: UnitOfWork, channel_id: UUID) -> Lead | None:
    """The open request of the acting organization that came of following a channel."""
    return uow.session.scalars(
        select(Lead).where(
            Lead.buyer_org_id == uow.principal.organization(),
            Lead.channel_id == channel_id,
            state_in(Lead.state, *OPEN),
        )
    ).one_or_none()
