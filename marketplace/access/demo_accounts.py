"""The people of a sandbox's sample data, so that its sign-in page can offer them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import exists, select

from kernel.db.uow import UnitOfWork
from kernel.principal import SYSTEM
from kernel.states import StateHistory
from marketplace.access.models import Member, Person
from marketplace.parties.models import Organization

MOST = 24
SAMPLE = "sample"
"""How the platform's own work signs when it makes sample data."""


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """One of them: address, organization, and the first of their roles."""

    email: str
    organization: str
    role: str


def list_demo_accounts(uow: UnitOfWork) -> list[DemoAccount]:
    """Whoever the platform itself gave an address under `.example`, a name no real address can have (RFC 2606 §2); buyers first.

    Who signed up by one, or was invited, is nobody's sample: their password is their own.
    """
    joined = exists().where(
        StateHistory.subject_id == Member.id,
        StateHistory.from_state.is_(None),
        StateHistory.actor.in_((f"{SYSTEM.kind}:{SYSTEM.label}", f"{SYSTEM.kind}:{SAMPLE}")),
    )
    rows = uow.session.execute(
        select(Person.email, Organization.display_name, Member.roles)
        .join(Member, Member.person_id == Person.id)
        .join(Organization, Organization.id == Member.org_id)
        .where(joined, Person.email.like("%.example"), Member.state == "active", Organization.state == "active")
        .order_by(Organization.is_platform, Organization.is_seller, Organization.created_at, Member.created_at)
        .limit(MOST)
    )
    return [DemoAccount(row.email, row.display_name, row.roles[0] if row.roles else "viewer") for row in rows]
