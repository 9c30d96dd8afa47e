"""A seller's own dealers become its partners by a link that it sends them: who opens it accepts the tier in one step."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Gone, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.paging import Page, cut, newest_first
from marketplace.access.counted_limits import Limit, count_within
from marketplace.input_text import line
from marketplace.parties.lookups import get_party
from marketplace.parties.models import Organization
from marketplace.relations.events import PartnerAccepted
from marketplace.relations.invitation_models import MOST_USES, PartnerInvitation
from marketplace.relations.partner_links import PARTNER_PERMISSION
from marketplace.relations.partner_models import PARTNER_LINK, PartnerLink, PartnerTier
from marketplace.relations.save_tier import PERMISSION, lock_tier

MOST_DAYS = 90
MADE = Limit(100, timedelta(days=1))
"""Of one organization: one link serves thousands of dealers."""


@dataclass(frozen=True, slots=True)
class InviteDealers:
    """A tier, whom the link is for in the seller's own words (`name`), and for how many organizations and days it is good."""

    tier_id: UUID
    name: str
    most_uses: int = 1
    lasts_days: int = 14


@dataclass(frozen=True, slots=True)
class PartnerInvitationRow:
    """An invitation as its seller reads it. `state`: `open`, `used_up`, `expired` or `revoked`."""

    id: UUID
    code: str
    name: str
    tier_id: UUID
    tier_code: str
    tier_name: str
    tier_name_en: str
    state: str
    uses: int
    most_uses: int
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class InvitationRead:
    """What whoever has the link is shown before they accept."""

    seller_org_id: UUID
    seller_name: str
    tier_name: str
    tier_name_en: str
    state: str
    expires_at: datetime


def invite_dealers(uow: UnitOfWork, command: InviteDealers) -> PartnerInvitationRow:
    """Make a link by which organizations become the acting seller's partners in a tier.

    Raises: Forbidden `permission_missing` without catalog.write; NotFound `partner_tier_not_found`; Invalid `text_required`,
        `text_too_long`, `partner_invitation_uses`, `partner_invitation_days`; TooMany `partner_invitations_too_often`.
    """
    uow.principal.require(PERMISSION)
    name = line("name", command.name, 80)
    if not 1 <= command.most_uses <= MOST_USES:
        raise Invalid("partner_invitation_uses", field="most_uses", most=MOST_USES)
    if not 1 <= command.lasts_days <= MOST_DAYS:
        raise Invalid("partner_invitation_days", field="lasts_days", most=MOST_DAYS)
    seller_id, now = uow.principal.organization(), clock.now()
    tier = lock_tier(uow, command.tier_id)
    with as_platform(uow):
        count_within(uow, MADE, "partner_invitations_too_often", "partner_invitations", str(seller_id))
    row = PartnerInvitation(
        id=uuid7(),
        seller_org_id=seller_id,
        tier_id=tier.id,
        code=secrets.token_urlsafe(16),
        name=name,
        most_uses=command.most_uses,
        uses=0,
        invited_by=uow.principal.person_id,
        created_at=now,
        expires_at=now + timedelta(days=command.lasts_days),
        revoked_at=None,
    )
    uow.session.add(row)
    uow.flush()
    audit.record(uow, "partner.invitation_made", subject_id=row.id)
    return _row(row, tier)


def revoke_invitation(uow: UnitOfWork, invitation_id: UUID) -> PartnerInvitationRow:
    """Let nobody use it any more; who did stays a partner. Done already, nothing changes.

    Raises: Forbidden `permission_missing`; NotFound `partner_invitation_not_found`. Locks: the invitation.
    """
    uow.principal.require(PERMISSION)
    row = lock_row(uow.session, PartnerInvitation, invitation_id)
    if row is None or row.seller_org_id != uow.principal.organization():
        raise NotFound("partner_invitation_not_found")
    if row.revoked_at is None:
        row.revoked_at = clock.now()
        uow.flush()
        audit.record(uow, "partner.invitation_revoked", subject_id=row.id)
    return _row(row, uow.session.get_one(PartnerTier, row.tier_id))


def list_invitations(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[PartnerInvitationRow]:
    """The acting seller's that anybody may use, the newest first; those of a list are with it."""
    own: Any = (
        select(PartnerInvitation, PartnerTier)
        .join(PartnerTier, PartnerTier.id == PartnerInvitation.tier_id)
        .where(PartnerInvitation.seller_org_id == uow.principal.organization(), PartnerInvitation.list_id.is_(None))
    )
    statement = newest_first(own, PartnerInvitation.created_at, PartnerInvitation.id, cursor, limit)
    rows = [(row[0], row[1]) for row in uow.session.execute(statement)]
    page = cut(rows, limit, lambda row: (row[0].created_at, row[0].id))
    return Page([_row(*row) for row in page.items], page.next_cursor)


def read_invitation(uow: UnitOfWork, code: str) -> InvitationRead:
    """What the link offers, for whoever has it. Raises NotFound `partner_invitation_not_found`."""
    with as_platform(uow):
        row = uow.session.execute(
            select(PartnerInvitation, PartnerTier, Organization.display_name)
            .join(PartnerTier, PartnerTier.id == PartnerInvitation.tier_id)
            .join(Organization, Organization.id == PartnerInvitation.seller_org_id)
            .where(PartnerInvitation.code == code, Organization.state == "active")
        ).first()
    if row is None:
        raise NotFound("partner_invitation_not_found")
    invitation, tier, seller = row
    shown = _row(invitation, tier)
    return InvitationRead(
        invitation.seller_org_id, seller, shown.tier_name, shown.tier_name_en, shown.state, shown.expires_at
    )


def accept_invitation(uow: UnitOfWork, code: str) -> PartnerLink:
    """Become the seller's partner in the tier that the link names. What either side had asked before is answered by it.

    A partner in the same tier already, nothing changes and no use is counted.

    Raises: Forbidden `permission_missing` without orders.buy; NotFound `partner_invitation_not_found`; Gone
        `partner_invitation_over` with its `state`; Conflict `partner_invitation_own`, `partner_invitation_for_another` (it names
        the tax identifier of whom it is for), `partner_already`: in another tier.
    Emits: PartnerAccepted. Locks: the invitation, then the link.
    """
    uow.principal.require(PARTNER_PERMISSION)
    own = get_party(uow, uow.principal.organization())
    with as_platform(uow):
        row = uow.session.scalar(select(PartnerInvitation).where(PartnerInvitation.code == code).with_for_update())
        if row is None:
            raise NotFound("partner_invitation_not_found")
        if row.seller_org_id == own.org_id:
            raise Conflict("partner_invitation_own")
        if row.tax_id is not None and (row.tax_country, row.tax_id) != (own.country, own.tax_id):
            raise Conflict("partner_invitation_for_another")
        link = _standing(uow, own.org_id, row.seller_org_id)
        if link is not None and link.state == "accepted":
            if link.tier_id != row.tier_id:
                raise Conflict("partner_already")
            return link
        if (state := row.state_at(clock.now())) != "open":
            raise Gone("partner_invitation_over", state=state)
        seller = get_party(uow, row.seller_org_id)
        link = _accepted(uow, link, row, (seller.display_name, own.display_name), own.org_id)
        row.uses += 1
        uow.flush()
    emit(uow, PartnerAccepted(**link.fact, by_seller=False))
    return link


def _standing(uow: UnitOfWork, buyer_id: UUID, seller_id: UUID) -> PartnerLink | None:
    return uow.session.scalar(
        select(PartnerLink)
        .where(
            PartnerLink.buyer_org_id == buyer_id,
            PartnerLink.seller_org_id == seller_id,
            PartnerLink.state.in_(("asked", "accepted")),
        )
        .with_for_update()
    )


def _accepted(
    uow: UnitOfWork, asked: PartnerLink | None, row: PartnerInvitation, names: tuple[str, str], buyer_id: UUID
) -> PartnerLink:
    """The link that was asked for, or a new one, in the invitation's tier from now on."""
    now = clock.now()
    if asked is not None:
        asked.tier_id, asked.invitation_id, asked.accepted_at = row.tier_id, row.id, now
        PARTNER_LINK.move(uow, asked, "accepted", org_ids=asked.parties)
        return asked
    link = PartnerLink(
        id=uuid7(),
        seller_org_id=row.seller_org_id,
        buyer_org_id=buyer_id,
        tier_id=row.tier_id,
        seller_name=names[0],
        buyer_name=names[1],
        by_seller=True,
        asked_by=row.invited_by,
        invitation_id=row.id,
        created_at=now,
        accepted_at=now,
        ended_at=None,
    )
    PARTNER_LINK.begin(uow, link, "accepted", org_ids=link.parties)
    uow.session.add(link)
    return link


def _row(row: PartnerInvitation, tier: PartnerTier) -> PartnerInvitationRow:
    return PartnerInvitationRow(
        row.id,
        row.code,
        row.name,
        tier.id,
        tier.code,
        tier.name or tier.name_en,
        tier.name_en or tier.name,
        row.state_at(clock.now()),
        row.uses,
        row.most_uses,
        row.created_at,
        row.expires_at,
    )
