"""An organization's members: add, change roles, remove, leave, list. People join by invitation (`invitations.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from marketplace.access.add_person import NewPerson, add_person, find_person_id
from marketplace.access.events import MemberRemoved, MemberRolesChanged
from marketplace.access.models import MEMBER, Member, Person
from marketplace.access.permissions import OPERATOR_ROLE, ROLES, permissions_of
from marketplace.departments.queries import require_department
from marketplace.input_text import checked_email
from marketplace.mail.queue_mail import drop_unsent
from marketplace.parties.models import PLATFORM_ORG_ID, Organization


@dataclass(frozen=True, slots=True)
class AddMember:
    """Who joins and as what. `initial_password` and `name` are needed when the address is new here."""

    email: str
    roles: Sequence[str]
    name: str = ""
    initial_password: str = field(default="", repr=False)
    locale: str = "zh-CN"


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member as colleagues see them."""

    id: UUID
    person_id: UUID
    name: str
    email: str
    roles: tuple[str, ...]
    state: str
    created_at: datetime
    department_id: UUID | None


def add_member(uow: UnitOfWork, command: AddMember) -> Member:
    """Give a person a place in the acting organization, for the platform's own seeding: people are invited.

    Raises:
        Invalid: `role_unknown`, `email_invalid`, and those of `add_person` when the address is new.
        Forbidden: `role_beyond_own`: the role holds permissions that the principal does not hold.
        Conflict: `member_exists`.
    """
    org_id = uow.principal.organization()
    roles = checked_roles(uow, org_id, command.roles)
    person_id = find_person_id(uow, checked_email(command.email))
    if person_id is None:
        operator = OPERATOR_ROLE in roles
        newcomer = NewPerson(command.email, command.name, command.initial_password, command.locale, operator)
        person_id = add_person(uow, newcomer).id
    known = join(uow, org_id, person_id, roles)
    audit.record(uow, "member.added", subject_id=known.id, roles=" ".join(roles))
    uow.flush()
    return known


def join(uow: UnitOfWork, org_id: UUID, person_id: UUID, roles: Sequence[str]) -> Member:
    """Make a person a member, or one again. Raises Conflict(`member_exists`). Locks: the membership."""
    known = uow.session.scalar(
        select(Member).where(Member.org_id == org_id, Member.person_id == person_id).with_for_update()
    )
    if known is not None and known.state == "active":
        raise Conflict("member_exists")
    if known is not None:
        known.roles = list(roles)
        MEMBER.move(uow, known, "active", org_ids=[org_id])
    else:
        known = Member(id=uuid7(), org_id=org_id, person_id=person_id, roles=list(roles), created_at=clock.now())
        MEMBER.begin(uow, known, org_ids=[org_id])
        uow.session.add(known)
    uow.flush()
    return known


def leave(uow: UnitOfWork) -> None:
    """End one's own membership of the acting organization.

    Raises:
        NotFound: `member_not_found`. Conflict: `last_owner`: hand the ownership over first.

    Locks: the organization, then the member.
    """
    org_id = uow.principal.organization()
    own = select(Member.id).where(Member.org_id == org_id, Member.person_id == uow.principal.person())
    member_id = uow.session.scalar(own.where(Member.state == "active"))
    if member_id is None:
        raise NotFound("member_not_found")
    member = _lock_member(uow, member_id)
    if "owner" in member.roles:
        _keep_an_owner(uow, member)
    if MEMBER.move(uow, member, "removed", org_ids=[org_id]):
        audit.record(uow, "member.left", subject_id=member.id)
        drop_unsent(uow, member.person_id, org_id)
    uow.flush()


def change_roles(uow: UnitOfWork, member_id: UUID, roles: Sequence[str]) -> Member:
    """Give a member other roles; their next request is judged by them.

    Raises:
        NotFound: `member_not_found`. Invalid: `role_required`, `role_unknown`. Forbidden: `role_beyond_own`.
        Conflict: `last_owner`: an organization keeps an owner.

    Emits: MemberRolesChanged, unless they are one's own.
    Locks: the organization (so that two owners cannot demote each other at once), then the member.
    """
    member = _lock_member(uow, member_id)
    checked = checked_roles(uow, member.org_id, roles)
    _may_touch(uow, member)
    if "owner" in member.roles and "owner" not in checked:
        _keep_an_owner(uow, member)
    if set(member.roles) != set(checked) and member.state == "active" and not _is_own(uow, member):
        emit(uow, MemberRolesChanged(member_id=member.id, org_id=member.org_id, person_id=member.person_id))
    member.roles = checked
    audit.record(uow, "member.roles_changed", subject_id=member.id, roles=" ".join(checked))
    uow.flush()
    return member


def set_department(uow: UnitOfWork, member_id: UUID, department_id: UUID | None) -> Member:
    """Say whose spending it is what a member buys, where nothing else is said. What they bought stays where it is.

    Raises: NotFound `member_not_found`. Invalid `department_unknown`. Locks: the organization, then the member.
    """
    member = _lock_member(uow, member_id)
    if department_id is not None and department_id != member.department_id:
        require_department(uow, department_id)
    if department_id != member.department_id:
        member.department_id = department_id
        audit.record(uow, "member.department_set", subject_id=member.id, department_id=str(department_id or ""))
    uow.flush()
    return member


def remove_member(uow: UnitOfWork, member_id: UUID) -> None:
    """End a membership. The person's sessions for this organization stop with their next request.

    Raises:
        NotFound: `member_not_found`. Forbidden: `role_beyond_own`. Conflict: `last_owner`.

    Emits: MemberRemoved, unless it is one's own.
    Locks: the organization, then the member.
    """
    member = _lock_member(uow, member_id)
    _may_touch(uow, member)
    if "owner" in member.roles and member.state == "active":
        _keep_an_owner(uow, member)
    if MEMBER.move(uow, member, "removed", org_ids=[member.org_id]):
        audit.record(uow, "member.removed", subject_id=member.id)
        if not _is_own(uow, member):
            emit(uow, MemberRemoved(member_id=member.id, org_id=member.org_id, person_id=member.person_id))
        drop_unsent(uow, member.person_id, member.org_id)
    uow.flush()


def list_members(uow: UnitOfWork) -> list[MemberRow]:
    """The acting organization's members, active ones first."""
    rows = uow.session.execute(
        select(Member, Person)
        .join(Person, Person.id == Member.person_id)
        .where(Member.org_id == uow.principal.organization())
        .order_by(Member.state, Member.created_at, Member.id)
    )
    return [
        MemberRow(m.id, p.id, p.name, p.email, tuple(m.roles), m.state, m.created_at, m.department_id) for m, p in rows
    ]


def _lock_member(uow: UnitOfWork, member_id: UUID) -> Member:
    org_id = uow.principal.organization()
    lock_row(uow.session, Organization, org_id)
    found = lock_row(uow.session, Member, member_id)
    if found is None or found.org_id != org_id:
        raise NotFound("member_not_found")
    return found


def checked_roles(uow: UnitOfWork, org_id: UUID, roles: Sequence[str]) -> list[str]:
    """The roles, which the principal may give.

    Raises Invalid(`role_required`, `role_unknown`), Forbidden(`role_beyond_own`),
        Conflict(`circle_owner_stays`): a circle has one owner.
    """
    known = set(ROLES) | ({OPERATOR_ROLE} if org_id == PLATFORM_ORG_ID else set())
    chosen = sorted(set(roles))
    if not chosen:
        raise Invalid("role_required", field="roles")
    if not set(chosen) <= known:
        raise Invalid("role_unknown", field="roles", known=", ".join(sorted(known)))
    _require_all(uow, permissions_of(chosen))
    if "owner" in chosen and uow.session.get_one(Organization, org_id).kind == "circle":
        raise Conflict("circle_owner_stays")
    return chosen


def _is_own(uow: UnitOfWork, member: Member) -> bool:
    """Whether who acts is the member: they need not be told what they did."""
    return member.person_id == uow.principal.person_id


def _may_touch(uow: UnitOfWork, member: Member) -> None:
    _require_all(uow, permissions_of(member.roles))


def _require_all(uow: UnitOfWork, permissions: frozenset[str]) -> None:
    if not all(uow.principal.may(permission) for permission in permissions) and not uow.principal.is_platform:
        raise Forbidden("role_beyond_own")


def _keep_an_owner(uow: UnitOfWork, leaving: Member) -> None:
    others = uow.session.scalar(
        select(Member.id).where(
            Member.org_id == leaving.org_id,
            Member.id != leaving.id,
            Member.state == "active",
            Member.roles.contains(["owner"]),
        )
    )
    if others is None:
        raise Conflict("last_owner")
