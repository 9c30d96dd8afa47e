"""What people are told of their own accounts, and of who joins their organization."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.access.browser_name import browser_name
from marketplace.access.events import AccountChanged, MemberJoined, SignedInFromNewDevice
from marketplace.access.models import Person, SignInSession
from marketplace.notifications.notify import NewNotification
from marketplace.parties.models import Organization
from orders.notifications.notifiers import RecordedEvent, notifies_of

ACCOUNT = "/account"


@notifies_of(MemberJoined)
def member_joined(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever manages the members sees the new one."""
    people = select(Person.id, Person.name).where(Person.id.in_([event.uuid("person_id") for event in events]))
    names = {person_id: name for person_id, name in uow.session.execute(people)}  # noqa: C416 - rows are no pairs
    rows = uow.session.execute(
        select(Organization.id, Organization.display_name).where(
            Organization.id.in_([event.uuid("org_id") for event in events])
        )
    )
    organizations = {org_id: name for org_id, name in rows}  # noqa: C416 - as above
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
