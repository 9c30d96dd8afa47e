"""What people are told of their own accounts, and of who joins their organization."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import aliased

from kernel.db.uow import UnitOfWork
from marketplace.access.browser_name import browser_name
from marketplace.access.events import (
    AccountChanged,
    MemberInvited,
    MemberJoined,
    MemberRemoved,
    MemberRolesChanged,
    OwnershipOffered,
    SignedInFromNewDevice,
)
from marketplace.access.models import Invitation, OwnershipTransfer, Person, SignInSession
from marketplace.notifications.notify import NewNotification
from marketplace.parties.models import Organization
from orders.notifications.notifiers import RecordedEvent, notifies_of

ACCOUNT = "/account"


@notifies_of(MemberJoined)
def member_joined(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever manages the members sees the new one."""
    people = select(Person.id, Person.name).where(Person.id.in_([event.uuid("person_id") for event in events]))
    names = {person_id: name for person_id, name in uow.session.execute(people)}  # noqa: C416 - rows are no pairs
    organizations = _organizations(uow, events)
    for event in events:
        org_id, person_id = event.uuid("org_id"), event.uuid("person_id")
        params = {"member": names[person_id], "organization": organizations[org_id]}
        yield NewNotification(
            event.id,
            event.at,
            "member_joined",
            "/members",
            params,
            org_id=org_id,
            permission="members.manage",
            but_not=person_id,
        )


@notifies_of(MemberInvited)
def member_invited(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever has an account finds an invitation there, too, wherever they are."""
    account, inviter = aliased(Person), aliased(Person)
    rows = uow.session.execute(
        select(Invitation.id, account.id, Organization.display_name, inviter.name)
        .join(account, account.email == Invitation.email)
        .join(inviter, inviter.id == Invitation.invited_by)
        .join(Organization, Organization.id == Invitation.org_id)
        .where(Invitation.id.in_([event.uuid("invitation_id") for event in events]))
    )
    found = {row_id: (person_id, {"organization": name, "person": by}) for row_id, person_id, name, by in rows}
    for event in events:
        if (known := found.get(event.uuid("invitation_id"))) is not None:
            yield NewNotification(event.id, event.at, "invitation_received", ACCOUNT, known[1], person_id=known[0])


@notifies_of(OwnershipOffered)
def ownership_offered(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The member finds the offer, whichever organization they act for."""
    rows = uow.session.execute(
        select(OwnershipTransfer.id, Organization.display_name, Person.name)
        .join(Organization, Organization.id == OwnershipTransfer.org_id)
        .join(Person, Person.id == OwnershipTransfer.from_person_id)
        .where(OwnershipTransfer.id.in_([event.uuid("transfer_id") for event in events]))
    )
    found = {row_id: {"organization": organization, "person": giver} for row_id, organization, giver in rows}
    for event in events:
        params = found[event.uuid("transfer_id")]
        yield _to_themselves(event, "ownership_offered", params)


@notifies_of(MemberRemoved)
def member_removed(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Told of their account, not of the organization: they see nothing of that any more."""
    organizations = _organizations(uow, events)
    for event in events:
        yield _to_themselves(event, "membership_ended", {"organization": organizations[event.uuid("org_id")]})


@notifies_of(MemberRolesChanged)
def member_roles_changed(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The member learns that they may do something else from now on."""
    organizations = _organizations(uow, events)
    for event in events:
        org_id, person_id = event.uuid("org_id"), event.uuid("person_id")
        params = {"organization": organizations[org_id]}
        yield NewNotification(event.id, event.at, "roles_changed", ACCOUNT, params, org_id=org_id, person_id=person_id)


@notifies_of(SignedInFromNewDevice)
def new_device(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """An account's owner learns of a browser that was not known before."""
    sessions = select(SignInSession.id, SignInSession.agent).where(
        SignInSession.id.in_([event.uuid("session_id") for event in events])
    )
    agents = {session_id: agent for session_id, agent in uow.session.execute(sessions)}  # noqa: C416 - rows are no pairs
    for event in events:
        # One that has ended since needs no warning less.
        agent = browser_name(agents.get(event.uuid("session_id"), "")) or "–"
        yield NewNotification(
            event.id, event.at, "new_device", ACCOUNT, {"agent": agent}, person_id=event.uuid("person_id")
        )


@notifies_of(AccountChanged)
def account_changed(_: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """An account's owner learns that what protects it was changed."""
    for event in events:
        params = {"left": event.payload["codes_left"]} if event.payload["codes_left"] is not None else {}
        yield NewNotification(
            event.id, event.at, event.payload["change"], ACCOUNT, params, person_id=event.uuid("person_id")
        )


def _to_themselves(event: RecordedEvent, kind: str, params: dict[str, str]) -> NewNotification:
    return NewNotification(event.id, event.at, kind, ACCOUNT, params, person_id=event.uuid("person_id"))


def _organizations(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> dict[UUID, str]:
    wanted = Organization.id.in_([event.uuid("org_id") for event in events])
    rows = uow.session.execute(select(Organization.id, Organization.display_name).where(wanted))
    return {org_id: name for org_id, name in rows}  # noqa: C416 - rows are no pairs
