"""The platform's own staff: added by whoever runs the installation, never from a page."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from kernel import audit
from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden
from marketplace.access.add_person import NewPerson, add_person
from marketplace.access.members import join
from marketplace.access.permissions import OPERATOR_ROLE
from marketplace.parties.models import PLATFORM_ORG_ID


def add_operator(uow: UnitOfWork, command: NewPerson) -> UUID:
    """Create a person who operates the platform. An operator is nobody else: who sells or buys signs in by another address.

    Raises:
        Forbidden: `permission_missing`: the unit of work is not the platform's own.
        Conflict: `email_taken`. Invalid: those of `add_person`.
    """
    if not uow.principal.is_platform:
        raise Forbidden("permission_missing")
    person = add_person(uow, replace(command, is_operator=True))
    member = join(uow, PLATFORM_ORG_ID, person.id, [OPERATOR_ROLE])
    audit.record(uow, "operator.added", subject_id=member.id)
    uow.flush()
    return person.id
