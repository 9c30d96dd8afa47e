"""Which circle a person may know of, and what they are in it: the one place that decides it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from kernel.db.platform_scope import as_platform, reading_as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Forbidden, NotFound
from kernel.states import state_in
from marketplace.circles.models import LEADERS, Circle, CircleMember
from marketplace.parties.models import Organization


@dataclass(frozen=True, slots=True)
class CircleStanding:
    """A circle, its name, and what the acting person is in it (None: they never asked)."""

    circle: Circle
    name: str
    member: CircleMember | None
    is_platform: bool = False
    """The platform's own people look at what was reported."""

    @property
    def role(self) -> str:
        """`owner`, `moderator`, `member`, or nothing."""
        return self.member.role if self.member is not None and self.member.state == "active" else ""

    def inside(self) -> CircleMember:
        """The acting person's row. Raises Forbidden `circle_members_only`."""
        if self.member is None or self.member.state != "active":
            raise Forbidden("circle_members_only")
        return self.member

    @property
    def leads(self) -> bool:
        """Whether they are its owner or a moderator."""
        return self.role in LEADERS

    @property
    def may_read(self) -> bool:
        """Whether they may read what is written in it."""
        return bool(self.role) or self.circle.visibility == "open" or self.is_platform


def standing_in(uow: UnitOfWork, circle_id: UUID) -> CircleStanding:
    """A circle that the acting person may know of.

    An internal one is known to its company's people alone, while they act for it.

    Raises: Forbidden `person_required`; NotFound `circle_not_found`.
    """
    person_id = uow.principal.person()
    with reading_as_platform(uow):
        row = uow.session.execute(
            select(Circle, Organization.display_name)
            .join(Organization, Organization.id == Circle.org_id)
            .where(Circle.org_id == circle_id, state_in(Organization.state, "active"))
        ).first()
        member = find_member(uow, circle_id, person_id)
    if row is None or not is_known(uow, row[0]):
        raise NotFound("circle_not_found")
    return CircleStanding(row[0], row[1], member, uow.principal.is_platform)


def is_known(uow: UnitOfWork, circle: Circle) -> bool:
    """Whether the acting organization may know of it; the platform knows them all."""
    return uow.principal.is_platform or circle.company_org_id is None or circle.company_org_id == uow.principal.org_id


def member_of(uow: UnitOfWork, circle_id: UUID) -> CircleStanding:
    """A circle that the acting person is in. Raises: as `standing_in`; Forbidden `circle_members_only`."""
    found = standing_in(uow, circle_id)
    found.inside()
    return found


def require_buying_through(uow: UnitOfWork, circle_id: UUID) -> None:
    """The acting person is in the circle for the organization that they act for, or acts for the circle itself.

    Raises: as `member_of`; Forbidden `circle_other_organization`.
    """
    if uow.principal.org_id == circle_id:
        return
    if member_of(uow, circle_id).inside().member_org_id != uow.principal.organization():
        raise Forbidden("circle_other_organization")


def leader_of(uow: UnitOfWork, circle_id: UUID) -> CircleStanding:
    """A circle that the acting person leads. Raises: as `standing_in`; Forbidden `circle_leaders_only`."""
    found = standing_in(uow, circle_id)
    if not found.leads:
        raise Forbidden("circle_leaders_only")
    return found


def owner_of(uow: UnitOfWork, circle_id: UUID) -> CircleStanding:
    """A circle that is the acting person's own. Raises: as `standing_in`; Forbidden `circle_owner_only`."""
    found = standing_in(uow, circle_id)
    if found.role != "owner":
        raise Forbidden("circle_owner_only")
    return found


@contextmanager
def beyond_own(uow: UnitOfWork) -> Iterator[None]:
    """A step in a circle's rows, which are none of the acting organization's: with its history and events, as the platform.

    Whoever catches a refusal goes on as who they are.
    """
    principal = uow.principal
    try:
        with as_platform(uow):
            yield
            uow.flush_outbox()
    except DomainError:
        uow.act_as(principal)
        raise


def find_member(uow: UnitOfWork, circle_id: UUID, person_id: UUID) -> CircleMember | None:
    """A person's row in a circle, in any state, as it is now; read as the platform."""
    return uow.session.scalar(
        select(CircleMember)
        .where(CircleMember.org_id == circle_id, CircleMember.person_id == person_id)
        .execution_options(populate_existing=True)
    )
