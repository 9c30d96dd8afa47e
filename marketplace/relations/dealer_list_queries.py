"""Lists of dealers as their seller reads them, and invitations as whom they are for finds them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from marketplace.mail.bounces import find_bounces
from marketplace.parties.models import Organization
from marketplace.relations.check_dealers import CheckedDealer, wrong_dealers
from marketplace.relations.dealer_list_models import DealerList
from marketplace.relations.dealer_lists import look_at_dealers
from marketplace.relations.dealer_rows import dealer_rows_of
from marketplace.relations.invitation_models import PartnerInvitation
from marketplace.relations.partner_links import PARTNER_PERMISSION
from marketplace.relations.partner_models import PartnerTier
from marketplace.relations.save_tier import PERMISSION

MOST_OWN = 50


@dataclass(frozen=True, slots=True)
class DealerListItem:
    """A list in a list of them. `wrong`: as of when it was last changed."""

    id: UUID
    name: str
    state: str
    lines: int
    wrong: int
    mailings: int
    mailed_at: datetime | None
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class InvitedDealer:
    """A line of a sent list: `state` as of an invitation; `bounced`: why its address takes no mail."""

    id: UUID
    line: int
    name: str
    email: str | None
    tax_id: str | None
    tier_name: str
    tier_name_en: str
    code: str
    state: str
    mailed_at: datetime | None
    expires_at: datetime
    bounced: str | None


@dataclass(frozen=True, slots=True)
class DealerListDetail:
    """A list: of a draft its lines and what is wrong with them, of a sent one whom it invited and how many are in which state."""

    item: DealerListItem
    rows: tuple[CheckedDealer, ...]
    left_out: int
    invited: tuple[InvitedDealer, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InvitationToMe:
    """An open invitation that names the acting organization by its tax identifier."""

    code: str
    seller_org_id: UUID
    seller_name: str
    tier_name: str
    tier_name_en: str
    expires_at: datetime


def list_dealer_lists(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[DealerListItem]:
    """The acting seller's, the newest first. Raises Forbidden `permission_missing` without catalog.write."""
    uow.principal.require(PERMISSION)
    mine = select(DealerList).where(DealerList.seller_org_id == uow.principal.organization())
    rows = uow.session.scalars(newest_first(mine, DealerList.created_at, DealerList.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page([_item(row, row.wrong) for row in page.items], page.next_cursor)


def get_dealer_list(uow: UnitOfWork, list_id: UUID) -> DealerListDetail:
    """One of the acting seller's. Raises NotFound `dealer_list_not_found`; Forbidden `permission_missing`."""
    found = uow.session.get(DealerList, list_id)
    if found is None or found.seller_org_id != uow.principal.organization():
        raise NotFound("dealer_list_not_found")
    uow.principal.require(PERMISSION)
    rows = dealer_rows_of(found.rows)
    checked = look_at_dealers(uow, rows) if found.state == "draft" else tuple(CheckedDealer(row) for row in rows)
    invited = _invited(uow, found) if found.state == "sent" else ()
    return DealerListDetail(
        item=_item(found, wrong_dealers(checked)),
        rows=checked,
        left_out=sum(row.left_out for row in rows),
        invited=invited,
        counts=dict(Counter(one.state for one in invited)),
    )


def list_invitations_to_me(uow: UnitOfWork) -> list[InvitationToMe]:
    """Open ones for the acting organization, by the tax identifier that the platform saw to be its own; the latest first.

    Raises Forbidden `permission_missing` without orders.buy.
    """
    uow.principal.require(PARTNER_PERMISSION)
    own_id = uow.principal.organization()
    with as_platform(uow):
        own = uow.session.get_one(Organization, own_id)
        if own.tax_id is None or own.tax_id_verified_at is None:
            return []
        rows = uow.session.execute(
            select(PartnerInvitation, PartnerTier, Organization.display_name)
            .join(PartnerTier, PartnerTier.id == PartnerInvitation.tier_id)
            .join(Organization, Organization.id == PartnerInvitation.seller_org_id)
            .where(
                PartnerInvitation.tax_country == own.country,
                PartnerInvitation.tax_id == own.tax_id,
                PartnerInvitation.uses == 0,
                PartnerInvitation.revoked_at.is_(None),
                PartnerInvitation.expires_at > clock.now(),
                Organization.state == "active",
            )
            .order_by(PartnerInvitation.created_at.desc(), PartnerInvitation.id.desc())
            .limit(MOST_OWN)
        ).all()
    return [
        InvitationToMe(
            row.code,
            row.seller_org_id,
            seller,
            tier.name or tier.name_en,
            tier.name_en or tier.name,
            row.expires_at,
        )
        for row, tier, seller in rows
    ]


def _item(found: DealerList, wrong: int) -> DealerListItem:
    return DealerListItem(
        found.id,
        found.name,
        found.state,
        len(found.rows),
        wrong,
        found.mailings,
        found.mailed_at,
        found.created_at,
        found.ended_at,
    )


def _invited(uow: UnitOfWork, found: DealerList) -> tuple[InvitedDealer, ...]:
    rows = uow.session.execute(
        select(PartnerInvitation, PartnerTier)
        .join(PartnerTier, PartnerTier.id == PartnerInvitation.tier_id)
        .where(PartnerInvitation.seller_org_id == found.seller_org_id, PartnerInvitation.list_id == found.id)
        .order_by(PartnerInvitation.line, PartnerInvitation.id)
    ).all()
    bounces, now = find_bounces(uow, {row.email for row, _ in rows if row.email is not None}), clock.now()
    return tuple(
        InvitedDealer(
            row.id,
            row.line or 0,
            row.name,
            row.email,
            row.tax_id,
            tier.name or tier.name_en,
            tier.name_en or tier.name,
            row.code,
            row.state_at(now),
            row.mailed_at,
            row.expires_at,
            bounces[row.email].reason if row.email in bounces else None,
        )
        for row, tier in rows
    )
