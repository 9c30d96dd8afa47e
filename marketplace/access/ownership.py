"""Handing an organization over: its owner offers it to a member, who accepts; both roles then change in one transaction.

Nobody becomes an owner without consent, and no organization is without one at any moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import aliased

from kernel import audit, clock
from kernel.db.locks import lock_row, lock_rows
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from marketplace.access.counted_limits import Limit, count_within
from marketplace.access.events import OwnershipOffered
from marketplace.access.models import OWNERSHIP_TRANSFER, Member, OwnershipTransfer, Person
from marketplace.access.permissions import ROLES
from marketplace.mail.queue_mail import NewMail, queue_mail
from marketplace.parties.models import Organization

LASTS: Final = timedelta(days=14)
A_DAY: Final = Limit(20, timedelta(days=1))
"""Offers that one organization may make: each is a mail."""
PAGE: Final = "/account"
KEPT_ROLES: Final = tuple(role for role in ROLES if role != "owner")
"""What whoever hands an organization over may stay as."""


@dataclass(frozen=True, slots=True)
class OfferOwnership:
    """To whom, and the role that the giver keeps."""

    member_id: UUID
    keeps: str


@dataclass(frozen=True, slots=True)
class TransferRow:
    """An open offer, as giver and receiver see it."""

    id: UUID
    org_id: UUID
    organization: str
    from_name: str
    to_name: str
    to_member_id: UUID
    keeps: str
    expires_at: datetime


def offer_ownership(uow: UnitOfWork, command: OfferOwnership) -> UUID:
    """Ask a member to become the owner in one's own place. Asked again it is the same offer; asked of another, the first ends.

    Raises:
        Forbidden: `owner_required`, `person_required`. NotFound: `member_not_found`.
        Conflict: `already_owner`; `circle_owner_stays`: a circle is handed over on its own page.
        Invalid: `role_unknown`, `transfer_to_self`. TooMany: `transfers_too_often`.

    Emits: OwnershipOffered.
    Locks: the organization, then the giver's open offer.
    """
    org_id, person_id = uow.principal.organization(), uow.principal.person()
    if command.keeps not in KEPT_ROLES:
        raise Invalid("role_unknown", field="keeps", known=", ".join(KEPT_ROLES))
    organization = lock_row(uow.session, Organization, org_id)
    if organization is not None and organization.kind == "circle":
        raise Conflict("circle_owner_stays")
    giver = _active(uow, Member.org_id == org_id, Member.person_id == person_id)
    if organization is None or giver is None or "owner" not in giver.roles:
        raise Forbidden("owner_required")
    receiver = _active(uow, Member.org_id == org_id, Member.id == command.member_id)
    if receiver is None:
        raise NotFound("member_not_found")
    if receiver.id == giver.id:
        raise Invalid("transfer_to_self", field="member_id")
    if "owner" in receiver.roles:
        raise Conflict("already_owner")
    known = uow.session.scalar(
        select(OwnershipTransfer)
        .where(
            OwnershipTransfer.org_id == org_id,
            OwnershipTransfer.from_person_id == person_id,
            OwnershipTransfer.state == "pending",
        )
        .with_for_update()
    )
    now = clock.now()
    if known is not None:
        if known.to_person_id == receiver.person_id and known.keeps == command.keeps and known.expires_at > now:
            return known.id
        OWNERSHIP_TRANSFER.move(uow, known, "withdrawn", org_ids=[org_id])
        uow.flush()
    with as_platform(uow):
        count_within(uow, A_DAY, "transfers_too_often", "ownership_transfers", str(org_id))
    row = OwnershipTransfer(
        id=uuid7(),
        org_id=org_id,
        from_person_id=person_id,
        to_person_id=receiver.person_id,
        keeps=command.keeps,
        expires_at=now + LASTS,
        created_at=now,
    )
    OWNERSHIP_TRANSFER.begin(uow, row, org_ids=[org_id])
    uow.session.add(row)
    audit.record(uow, "ownership.offered", subject_id=row.id)
    uow.flush()
    emit(uow, OwnershipOffered(transfer_id=row.id, org_id=org_id, person_id=row.to_person_id))
    _mail(uow, row, organization, "ownership_offered", to=row.to_person_id)
    return row.id


def withdraw_ownership(uow: UnitOfWork, transfer_id: UUID) -> None:
    """Take one's own offer back. Taken back already, nothing changes.

    Raises:
        NotFound: `transfer_not_found`. Conflict: `invalid_transition`: it was answered.

    Locks: the organization, then the offer.
    """
    lock_row(uow.session, Organization, uow.principal.organization())
    row = lock_row(uow.session, OwnershipTransfer, transfer_id)
    own = (uow.principal.organization(), uow.principal.person())
    if row is None or (row.org_id, row.from_person_id) != own:
        raise NotFound("transfer_not_found")
    if OWNERSHIP_TRANSFER.move(uow, row, "withdrawn", org_ids=[row.org_id]):
        audit.record(uow, "ownership.withdrawn", subject_id=row.id)
    uow.flush()


def accept_ownership(uow: UnitOfWork, transfer_id: UUID, person_id: UUID) -> None:
    """Become the owner; whoever offered it keeps the role they chose. Accepted already, nothing changes.

    The unit of work is the platform's own: whom it was offered to may be acting for another organization.

    Raises:
        NotFound: `transfer_not_found`. Conflict: `transfer_over`: too late, answered, withdrawn, or one of the two has left or
            the giver is no owner any more.

    Locks: the organization, as whatever changes members does; then the offer; then both members.
    """
    row, organization = _offered(uow, transfer_id, person_id)
    if row.state == "accepted":
        return
    members = select(Member.id).where(
        Member.org_id == row.org_id, Member.person_id.in_((row.from_person_id, row.to_person_id))
    )
    locked = lock_rows(uow.session, Member, uow.session.scalars(members))
    by_person = {member.person_id: member for member in locked if member.state == "active"}
    giver, receiver = by_person.get(row.from_person_id), by_person.get(row.to_person_id)
    if not _is_open(row) or giver is None or receiver is None or "owner" not in giver.roles:
        raise Conflict("transfer_over")
    receiver.roles = sorted({*receiver.roles, "owner"})
    giver.roles = [row.keeps]
    OWNERSHIP_TRANSFER.move(uow, row, "accepted", org_ids=[row.org_id])
    audit.record(uow, "ownership.transferred", subject_id=row.id, keeps=row.keeps)
    uow.flush()
    _mail(uow, row, organization, "ownership_received", to=row.to_person_id)
    _mail(uow, row, organization, "ownership_handed_over", to=row.from_person_id)


def decline_ownership(uow: UnitOfWork, transfer_id: UUID, person_id: UUID) -> None:
    """Say no; whoever offered it is told, and stays the owner. Declined already, nothing changes.

    The unit of work is the platform's own.

    Raises:
        NotFound: `transfer_not_found`. Conflict: `transfer_over`.

    Locks: the organization, then the offer.
    """
    row, organization = _offered(uow, transfer_id, person_id)
    if row.state == "declined":
        return
    if not _is_open(row):
        raise Conflict("transfer_over")
    OWNERSHIP_TRANSFER.move(uow, row, "declined", org_ids=[row.org_id])
    audit.record(uow, "ownership.declined", subject_id=row.id)
    uow.flush()
    _mail(uow, row, organization, "ownership_declined", to=row.from_person_id)


def list_offered(uow: UnitOfWork, person_id: UUID) -> list[TransferRow]:
    """What is offered to a person, in whatever organization. The unit of work is the platform's own."""
    return _open_rows(uow, OwnershipTransfer.to_person_id == person_id)


def list_own_offers(uow: UnitOfWork) -> list[TransferRow]:
    """What the acting person has offered in the acting organization."""
    org_id, person_id = uow.principal.organization(), uow.principal.person()
    return _open_rows(uow, OwnershipTransfer.org_id == org_id, OwnershipTransfer.from_person_id == person_id)


def _open_rows(uow: UnitOfWork, *conditions: ColumnElement[bool]) -> list[TransferRow]:
    """Those that can be accepted now: both are members still, and the giver an owner."""
    giver, receiver, their, own = aliased(Member), aliased(Member), aliased(Person), aliased(Person)
    rows = uow.session.execute(
        select(OwnershipTransfer, Organization.display_name, their.name, own.name, receiver.id)
        .join(Organization, Organization.id == OwnershipTransfer.org_id)
        .join(giver, (giver.org_id == OwnershipTransfer.org_id) & (giver.person_id == OwnershipTransfer.from_person_id))
        .join(
            receiver,
            (receiver.org_id == OwnershipTransfer.org_id) & (receiver.person_id == OwnershipTransfer.to_person_id),
        )
        .join(their, their.id == OwnershipTransfer.from_person_id)
        .join(own, own.id == OwnershipTransfer.to_person_id)
        .where(
            OwnershipTransfer.state == "pending",
            OwnershipTransfer.expires_at > clock.now(),
            giver.state == "active",
            giver.roles.contains(["owner"]),
            receiver.state == "active",
            *conditions,
        )
        .order_by(OwnershipTransfer.created_at, OwnershipTransfer.id)
    )
    return [
        TransferRow(row.id, row.org_id, organization, from_name, to_name, member_id, row.keeps, row.expires_at)
        for row, organization, from_name, to_name, member_id in rows
    ]


def _offered(uow: UnitOfWork, transfer_id: UUID, person_id: UUID) -> tuple[OwnershipTransfer, Organization]:
    offered = select(OwnershipTransfer.org_id).where(
        OwnershipTransfer.id == transfer_id, OwnershipTransfer.to_person_id == person_id
    )
    org_id = uow.session.scalar(offered)
    organization = None if org_id is None else lock_row(uow.session, Organization, org_id)
    row = lock_row(uow.session, OwnershipTransfer, transfer_id)
    if row is None or organization is None:
        raise NotFound("transfer_not_found")
    return row, organization


def _is_open(row: OwnershipTransfer) -> bool:
    return row.state == "pending" and row.expires_at > clock.now()


def _active(uow: UnitOfWork, *conditions: ColumnElement[bool]) -> Member | None:
    return uow.session.scalar(
        select(Member).where(Member.state == "active", *conditions).execution_options(populate_existing=True)
    )


def _mail(uow: UnitOfWork, row: OwnershipTransfer, organization: Organization, kind: str, *, to: UUID) -> None:
    people = {
        one.id: one
        for one in uow.session.scalars(select(Person).where(Person.id.in_((row.from_person_id, row.to_person_id))))
    }
    reader = people[to]
    params = {
        "path": PAGE,
        "email": reader.email,
        "organization": organization.display_name,
        "giver": people[row.from_person_id].name,
        "receiver": people[row.to_person_id].name,
        "days": str(LASTS.days),
    }
    queue_mail(uow, NewMail(reader.email, kind, reader.locale, params, reader.id))
