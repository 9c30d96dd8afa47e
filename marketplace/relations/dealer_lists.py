"""A seller makes a list of its own dealers, corrects, leaves out or replaces its lines, sends or discards it.

Nobody is invited before every line is right or left out; sent, each line is an invitation of one organization.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, or_, select

from kernel import audit, clock
from kernel.db.locks import lock_aggregate, lock_row
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound, TooMany
from kernel.ids import uuid7
from kernel.jobs.outbox import enqueue
from kernel.text import plain_text
from marketplace.access.counted_limits import Limit, count_within
from marketplace.parties.lookups import get_party
from marketplace.parties.models import Organization
from marketplace.relations.check_dealers import (
    CheckedDealer,
    Known,
    check_dealers,
    read_contacts,
    tier_key,
    wrong_dealers,
)
from marketplace.relations.dealer_list_models import DEALER_LIST, DealerList
from marketplace.relations.dealer_rows import DealerChange, DealerRow, changed_dealer, dealer_rows_of
from marketplace.relations.invitation_models import PartnerInvitation
from marketplace.relations.partner_models import PartnerLink, PartnerTier
from marketplace.relations.save_tier import PERMISSION

MAIL = "marketplace.partners.mail_invitations"
"""The job that mails some lines of a list."""
MOST_DRAFTS = 20
MOST_NAME = 120
LASTS = timedelta(days=30)
"""How long an invitation of a list is good: it has to reach whoever decides."""
SENT = Limit(5, timedelta(days=1))
"""Lists of one organization: a list has thousands of lines, and mails go to people who did not ask for them."""
MAILED_AGAIN_AFTER = timedelta(days=3)
MOST_MAILINGS = 3
A_SLICE = 100
"""Lines that one job mails."""


@dataclass(frozen=True, slots=True)
class MakeDealerList:
    """A list of these lines, and what it is called."""

    name: str
    rows: tuple[DealerRow, ...]


def make_dealer_list(uow: UnitOfWork, command: MakeDealerList) -> DealerList:
    """Keep the lines as a draft, each looked at already.

    Raises: Forbidden `permission_missing` without catalog.write; Conflict `dealer_lists_too_many`.
    """
    uow.principal.require(PERMISSION)
    seller_id = uow.principal.organization()
    drafts = select(func.count()).where(DealerList.seller_org_id == seller_id, DealerList.state == "draft")
    if (uow.session.scalar(drafts) or 0) >= MOST_DRAFTS:
        raise Conflict("dealer_lists_too_many", most=MOST_DRAFTS)
    made = DealerList(
        id=uuid7(),
        seller_org_id=seller_id,
        made_by=uow.principal.person_id,
        name=plain_text(command.name)[:MOST_NAME],
        rows=[],
        wrong=0,
        mailings=0,
        mailed_at=None,
        created_at=clock.now(),
        ended_at=None,
    )
    _keep(uow, made, command.rows)
    DEALER_LIST.begin(uow, made, org_ids=[seller_id])
    uow.session.add(made)
    uow.flush()
    return made


def replace_dealers(uow: UnitOfWork, list_id: UUID, rows: Sequence[DealerRow], name: str = "") -> DealerList:
    """Put other lines in the place of all. Raises and locks as `lock_draft`."""
    draft = lock_draft(uow, list_id)
    draft.name = plain_text(name)[:MOST_NAME] or draft.name
    _keep(uow, draft, rows)
    uow.flush()
    return draft


def correct_dealers(uow: UnitOfWork, list_id: UUID, changes: Sequence[DealerChange]) -> DealerList:
    """Change what is written in lines, or whether they are left out. Raises as `lock_draft`; Invalid `dealer_line_unknown`."""
    draft = lock_draft(uow, list_id)
    rows = {row.number: row for row in dealer_rows_of(draft.rows)}
    for change in changes:
        if change.number not in rows:
            raise Invalid("dealer_line_unknown", field="lines", row=change.number)
        rows[change.number] = changed_dealer(rows[change.number], change)
    _keep(uow, draft, list(rows.values()))
    uow.flush()
    return draft


def leave_out_wrong_dealers(uow: UnitOfWork, list_id: UUID) -> DealerList:
    """Leave out every line that is wrong now. Raises and locks as `lock_draft`."""
    draft = lock_draft(uow, list_id)
    checked = look_at_dealers(uow, dealer_rows_of(draft.rows))
    _keep(uow, draft, [replace(one.row, left_out=True) if one.faults else one.row for one in checked])
    uow.flush()
    return draft


def discard_dealer_list(uow: UnitOfWork, list_id: UUID) -> DealerList:
    """Invite nobody by it. Discarded already, nothing changes. Raises and locks as `lock_draft`."""
    found = lock_dealer_list(uow, list_id)
    if found.state == "discarded":
        return found
    _require_draft(found)
    found.ended_at = clock.now()
    DEALER_LIST.move(uow, found, "discarded", org_ids=[found.seller_org_id])
    uow.flush()
    return found


def send_dealer_list(uow: UnitOfWork, list_id: UUID) -> DealerList:
    """Invite every line that is not left out, all of them or none; their mails go out after it. Sent already, nothing changes.

    Raises: as `lock_draft`; Conflict `dealer_list_wrong` (a line is wrong as things stand now), `dealer_list_no_lines`; TooMany
        `dealer_lists_too_often`. Locks: the seller's lists, then this one.
    """
    seller_id = uow.principal.organization()
    lock_aggregate(uow, seller_id)
    found = lock_dealer_list(uow, list_id)
    if found.state == "sent":
        return found
    _require_draft(found)
    checked = look_at_dealers(uow, dealer_rows_of(found.rows))
    if wrong := wrong_dealers(checked):
        raise Conflict("dealer_list_wrong", wrong=wrong)
    meant = [one for one in checked if not one.row.left_out]
    if not meant:
        raise Conflict("dealer_list_no_lines")
    with as_platform(uow):
        count_within(uow, SENT, "dealer_lists_too_often", "dealer_lists", str(seller_id))
    now, country = clock.now(), get_party(uow, seller_id).country
    found.wrong, found.ended_at, found.mailed_at, found.mailings = 0, now, now, 1
    DEALER_LIST.move(uow, found, "sent", org_ids=[seller_id])
    uow.flush()
    uow.session.execute(insert(PartnerInvitation), [_invitation(uow, found, one, country) for one in meant])
    audit.record(uow, "partner.dealers_invited", subject_id=found.id, lines=str(len(meant)))
    _mail(uow, found, [one.row.number for one in meant])
    return found


def mail_list_again(uow: UnitOfWork, list_id: UUID) -> DealerList:
    """Mail whoever did not answer once more, and let their invitations last anew.

    Raises: as `lock_dealer_list`; Conflict `dealer_list_not_sent`; TooMany `dealer_list_mailed_lately` with the days to wait for,
        or `dealer_list_mailed_enough`. Locks: the list.
    """
    found = lock_dealer_list(uow, list_id)
    if found.state != "sent" or found.mailed_at is None:
        raise Conflict("dealer_list_not_sent")
    if found.mailings >= MOST_MAILINGS:
        raise Conflict("dealer_list_mailed_enough", most=MOST_MAILINGS)
    now = clock.now()
    wait = found.mailed_at + MAILED_AGAIN_AFTER - now
    if wait > timedelta():
        raise TooMany("dealer_list_mailed_lately", retry_after_s=int(wait.total_seconds()) + 1, days=wait.days + 1)
    found.mailed_at, found.mailings = now, found.mailings + 1
    uow.flush()
    lines = uow.session.scalars(
        select(PartnerInvitation.line)
        .where(
            PartnerInvitation.seller_org_id == found.seller_org_id,
            PartnerInvitation.list_id == found.id,
            PartnerInvitation.uses == 0,
            PartnerInvitation.revoked_at.is_(None),
        )
        .order_by(PartnerInvitation.line)
    )
    _mail(uow, found, [line for line in lines if line is not None])
    audit.record(uow, "partner.dealers_mailed_again", subject_id=found.id)
    return found


def look_at_dealers(uow: UnitOfWork, rows: Sequence[DealerRow]) -> tuple[CheckedDealer, ...]:
    """What is wrong with lines of the acting seller as things stand; a few statements, however many lines there are."""
    own = get_party(uow, uow.principal.organization())
    contacts = read_contacts(rows, own.country)
    tax_ids = {tax_id for tax_id, _ in contacts if isinstance(tax_id, str)}
    emails = {email for _, email in contacts if isinstance(email, str)}
    tiers = uow.session.execute(
        select(PartnerTier.id, PartnerTier.code, PartnerTier.name, PartnerTier.name_en)
        .where(PartnerTier.seller_org_id == own.org_id)
        # What a code says holds before what a name of another says, and the highest tier's name before others'.
        .order_by(PartnerTier.rank.desc(), PartnerTier.code.desc())
    ).all()
    named = {tier_key(name): one.id for one in tiers for name in (one.name_en, one.name) if name}
    coded = {tier_key(one.code): one.id for one in tiers}
    known = Known(own.country, own.tax_id, named | coded)
    if tax_ids or emails:
        partners, invited = _partners(uow, own.org_id, tax_ids), _invited(uow, own.org_id, tax_ids, emails)
        known = replace(known, partners=partners, invited=invited)
    return check_dealers(rows, known, contacts)


def lock_dealer_list(uow: UnitOfWork, list_id: UUID) -> DealerList:
    """One of the acting seller's.

    Raises: Forbidden `permission_missing` without catalog.write; NotFound `dealer_list_not_found`. Locks: the list.
    """
    found = lock_row(uow.session, DealerList, list_id)
    if found is None or found.seller_org_id != uow.principal.organization():
        raise NotFound("dealer_list_not_found")
    uow.principal.require(PERMISSION)
    return found


def lock_draft(uow: UnitOfWork, list_id: UUID) -> DealerList:
    """One that can still be changed. Raises as `lock_dealer_list`; Conflict `dealer_list_ended`. Locks: the list."""
    found = lock_dealer_list(uow, list_id)
    _require_draft(found)
    return found


def _require_draft(found: DealerList) -> None:
    if found.state != "draft":
        raise Conflict("dealer_list_ended", state=found.state)


def _keep(uow: UnitOfWork, found: DealerList, rows: Sequence[DealerRow]) -> None:
    found.rows = [row.stored() for row in rows]
    found.wrong = wrong_dealers(look_at_dealers(uow, rows))


def _partners(uow: UnitOfWork, seller_id: UUID, tax_ids: set[str]) -> frozenset[str]:
    """Of these identifiers, those of organizations that are the seller's partners: it knows them."""
    with as_platform(uow):
        found = uow.session.scalars(
            select(Organization.tax_id)
            .join(PartnerLink, PartnerLink.buyer_org_id == Organization.id)
            .where(PartnerLink.seller_org_id == seller_id, PartnerLink.state == "accepted")
        )
        return frozenset(one for one in found if one in tax_ids)


def _invited(uow: UnitOfWork, seller_id: UUID, tax_ids: set[str], emails: set[str]) -> frozenset[str]:
    """Of these, whom the seller has invited by a list, where that is open."""
    found = uow.session.execute(
        select(PartnerInvitation.tax_id, PartnerInvitation.email).where(
            PartnerInvitation.seller_org_id == seller_id,
            PartnerInvitation.list_id.is_not(None),
            or_(PartnerInvitation.tax_id.in_(tax_ids), PartnerInvitation.email.in_(emails)),
            PartnerInvitation.uses == 0,
            PartnerInvitation.revoked_at.is_(None),
            PartnerInvitation.expires_at > clock.now(),
        )
    )
    return frozenset(one for row in found for one in row if one is not None)


def _invitation(uow: UnitOfWork, found: DealerList, one: CheckedDealer, country: str) -> dict[str, Any]:
    now = clock.now()
    return {
        "id": uuid7(),
        "seller_org_id": found.seller_org_id,
        "tier_id": one.tier_id,
        "code": secrets.token_urlsafe(16),
        "name": plain_text(one.row.name),
        "most_uses": 1,
        "uses": 0,
        "invited_by": uow.principal.person_id,
        "list_id": found.id,
        "line": one.row.number,
        "email": one.email,
        "tax_id": one.tax_id,
        "tax_country": country if one.tax_id else None,
        "mailed_at": None,
        "created_at": now,
        "expires_at": now + LASTS,
        "revoked_at": None,
    }


def _mail(uow: UnitOfWork, found: DealerList, lines: Sequence[int]) -> None:
    """Let these lines be mailed, so many by each job."""
    for start in range(0, len(lines), A_SLICE):
        some = list(lines[start : start + A_SLICE])
        payload = {"list_id": str(found.id), "lines": some}
        enqueue(uow, MAIL, payload, dedupe_key=f"{found.id}/{found.mailings}/{some[0]}")
