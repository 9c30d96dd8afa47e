"""The platform's own staff: added by whoever runs the installation, never from a page."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal
from uuid import UUID

from kernel import audit
from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden
from marketplace.access.add_person import NewPerson, add_person
from marketplace.access.members import join
from marketplace.access.permissions import OPERATOR_ROLE
from marketplace.parties.models import PLATFORM_ORG_ID

StaffRole = Literal["operator", "finance"]
"""What somebody of the platform's own does: `finance` looks after what it issued, as a seller's does, and operates nothing."""


def add_operator(uow: UnitOfWork, command: NewPerson, role: StaffRole = OPERATOR_ROLE) -> UUID:
    """Create a person of the platform's own staff. They are nobody else: who sells or buys signs in by another address.

    Raises:
        Forbidden: `permission_missing`: the unit of work is not the platform's own.
        Conflict: `email_taken`. Invalid: those of `add_person`.
    """
    if not uow.principal.is_platform:
        raise Forbidden("permission_missing")
    person = add_person(uow, replace(command, is_operator=role == OPERATOR_ROLE))
    member = join(uow, PLATFORM_ORG_ID, person.id, [role])
    audit.record(uow, "operator.added", subject_id=member.id, role=role)
    uow.flush()
    return person.id
