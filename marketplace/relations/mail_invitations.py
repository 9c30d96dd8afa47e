"""Whoever a list of dealers names is mailed its link, and told in the product where it is here already."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Gone, Invalid, NotFound
from kernel.jobs.outbox import emit
from marketplace.access.counted_limits import Limit, count_within
from marketplace.access.mail_limits import count_mail
from marketplace.mail.queue_mail import NewMail, queue_mail
from marketplace.parties.models import Organization
from marketplace.relations.dealer_lists import LASTS
from marketplace.relations.events import DealerInvited
from marketplace.relations.invitation_models import PartnerInvitation
from marketplace.relations.partner_models import PartnerTier
from marketplace.relations.save_tier import PERMISSION

MAIL_KIND = "partner_invitation"
AGAIN = Limit(2, timedelta(days=3))
"""Mails of one invitation that somebody asks for beside those of its list."""


def mail_lines(uow: UnitOfWork, list_id: UUID, lines: Sequence[int]) -> None:
    """Mail these lines of a list that still wait for an answer; each lasts anew. The unit of work is the platform's own.

    An organization that has the identifier, and was seen to, is told in the product as well. Emits: DealerInvited.
    Locks: the invitations.
    """
    rows = uow.session.scalars(
        select(PartnerInvitation)
        .join(Organization, Organization.id == PartnerInvitation.seller_org_id)
        .where(
            PartnerInvitation.list_id == list_id,
            PartnerInvitation.line.in_(lines),
            PartnerInvitation.uses == 0,
            PartnerInvitation.revoked_at.is_(None),
            Organization.state == "active",
        )
        .order_by(PartnerInvitation.id)
        .with_for_update(of=PartnerInvitation)
    ).all()
    if not rows:
        return
    seller = uow.session.get_one(Organization, rows[0].seller_org_id)
    tiers = {
        one.id: one for one in uow.session.scalars(select(PartnerTier).where(PartnerTier.seller_org_id == seller.id))
    }
    here = _here(uow, [row.tax_id for row in rows if row.tax_id is not None], seller)
    for row in rows:
        if row.email is not None:
            _mail(uow, row, seller, tiers[row.tier_id])
        known = here.get(row.tax_id or "")
        if known is not None and row.tax_country == known.country:
            emit(uow, DealerInvited(invitation_id=row.id, buyer_org_id=known.id, seller_org_id=seller.id))
    uow.flush()


def mail_invitation_again(uow: UnitOfWork, invitation_id: UUID) -> PartnerInvitation:
    """Mail one of the acting seller's invitations once more, and let it last anew.

    Raises: Forbidden `permission_missing` without catalog.write; NotFound `partner_invitation_not_found`; Gone
        `partner_invitation_over` (it was accepted, or revoked); Invalid `partner_invitation_no_mail`; TooMany
        `partner_invitation_mailed_too_often`, `mails_too_often`. Locks: the invitation.
    """
    uow.principal.require(PERMISSION)
    row = lock_row(uow.session, PartnerInvitation, invitation_id)
    if row is None or row.seller_org_id != uow.principal.organization():
        raise NotFound("partner_invitation_not_found")
    state = row.state_at(clock.now())
    if state in ("used_up", "revoked"):
        raise Gone("partner_invitation_over", state=state)
    if row.email is None:
        raise Invalid("partner_invitation_no_mail")
    with as_platform(uow):
        count_within(uow, AGAIN, "partner_invitation_mailed_too_often", "partner_invitation_mail", str(row.id))
        count_mail(uow, row.email, None)
    seller = uow.session.get_one(Organization, row.seller_org_id)
    _mail(uow, row, seller, uow.session.get_one(PartnerTier, row.tier_id))
    uow.flush()
    audit.record(uow, "partner.invitation_mailed_again", subject_id=row.id)
    return row


def _here(uow: UnitOfWork, tax_ids: Sequence[str], seller: Organization) -> dict[str, Organization]:
    """Organizations that were seen to have these identifiers."""
    if not tax_ids:
        return {}
    found = uow.session.scalars(
        select(Organization).where(
            Organization.country == seller.country,
            Organization.tax_id.in_(tax_ids),
            Organization.tax_id_verified_at.is_not(None),
            Organization.state == "active",
        )
    )
    return {one.tax_id: one for one in found if one.tax_id is not None}


def _mail(uow: UnitOfWork, row: PartnerInvitation, seller: Organization, tier: PartnerTier) -> None:
    now = clock.now()
    row.mailed_at, row.expires_at = now, now + LASTS
    names = (tier.name_en, tier.name) if seller.locale == "en" else (tier.name, tier.name_en)
    params = {
        "organization": seller.display_name,
        "what": names[0] or names[1],
        "days": str(LASTS.days),
        "path": f"/partner-invitations/{row.code}",
    }
    assert row.email is not None  # noqa: S101 - both callers looked
    queue_mail(uow, NewMail(row.email, MAIL_KIND, seller.locale, params))
