"""Whoever left their last organization, or was removed from it, keeps their account, and comes back by it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from kernel.errors import Unauthenticated
from kernel.signing import verify_password
from marketplace.access.add_person import find_person_id
from marketplace.access.models import Member, Person


def find_returning(uow: UnitOfWork, email: str, password: str) -> UUID | None:
    """Whose account it is, where that has no organization left to sign in for; None where there is none, or it may sign in.

    Raises: Unauthenticated `credentials_invalid`: the password is not the account's.
    """
    person_id = find_person_id(uow, email)
    if person_id is None or has_organization(uow, person_id):
        return None
    if not verify_password(uow.session.get_one(Person, person_id).password_hash, password):
        raise Unauthenticated("credentials_invalid")
    return person_id


def has_organization(uow: UnitOfWork, person_id: UUID) -> bool:
    """Whether somebody is a member anywhere."""
    found = select(Member.id).where(Member.person_id == person_id, Member.state == "active").limit(1)
    return uow.session.scalar(found) is not None
