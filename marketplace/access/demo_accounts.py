"""The people of a sandbox's sample data, so that its sign-in page can offer them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.access.models import Member, Person
from marketplace.parties.models import Organization

MOST = 24


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """One of them: address, organization, and the first of their roles."""

    email: str
    organization: str
    role: str


def list_demo_accounts(uow: UnitOfWork) -> list[DemoAccount]:
    """Whoever has an address under `.example`, a name no real address can have (RFC 2606 §2); buyers first."""
    rows = uow.session.execute(
        select(Person.email, Organization.display_name, Member.roles)
        .join(Member, Member.person_id == Person.id)
        .join(Organization, Organization.id == Member.org_id)
        .where(Person.email.like("%.example"), Member.state == "active", Organization.state == "active")
        .order_by(Organization.is_platform, Organization.is_seller, Organization.created_at, Member.created_at)
        .limit(MOST)
    )
    return [DemoAccount(row.email, row.display_name, row.roles[0] if row.roles else "viewer") for row in rows]
