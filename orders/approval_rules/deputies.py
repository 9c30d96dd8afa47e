"""Who decides in whose place, and until when."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Date, DateTime, Select, cast, exists, func, literal, or_, select
from sqlalchemy.orm import aliased

from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from marketplace.access.models import Member, Person
from marketplace.access.permissions import holds, permissions_of
from marketplace.parties.models import Organization
from orders.approval_rules.events import DeputyAppointed, DeputyEnded
from orders.approval_rules.models import ApprovalDeputy
from orders.approval_rules.set_policy import READS
from orders.approval_rules.steps import Candidate

LONGEST = timedelta(days=366)
MANAGE = "members.manage"
BATCH_SIZE = 100


@dataclass(frozen=True, slots=True)
class AppointDeputy:
    """Somebody to decide in the acting person's place from the first to the last day."""

    deputy_id: UUID
    starts_on: date
    ends_on: date


@dataclass(frozen=True, slots=True)
class DeputyView:
    """A delegation that is not over."""

    id: UUID
    person_id: UUID
    person_name: str
    deputy_id: UUID
    deputy_name: str
    starts_on: date
    ends_on: date


def appoint_deputy(uow: UnitOfWork, command: AppointDeputy) -> ApprovalDeputy:
    """Let a colleague decide in the acting person's place for some days.

    A deputy does not pass it on, and decides nothing that the person could not decide.

    Raises: Invalid `deputy_unfit` (oneself, no member, or one who may not see purchases), `deputy_days_invalid`;
    Conflict `deputy_exists`. Emits: DeputyAppointed.
    """
    org_id, person_id = uow.principal.organization(), uow.principal.person()
    row = uow.session.execute(
        select(Member.roles, Organization.time_zone)
        .join(Organization, Organization.id == Member.org_id)
        .where(Member.org_id == org_id, Member.person_id == command.deputy_id, Member.state == "active")
    ).one_or_none()
    if row is None or command.deputy_id == person_id or not holds(row.roles, READS):
        raise Invalid("deputy_unfit", field="deputy_id")
    today = clock.today(row.time_zone)
    if not (today <= command.ends_on and command.starts_on <= command.ends_on <= command.starts_on + LONGEST):
        raise Invalid("deputy_days_invalid", field="ends_on")
    appointed = ApprovalDeputy(
        id=uuid7(),
        org_id=org_id,
        person_id=person_id,
        deputy_id=command.deputy_id,
        starts_on=command.starts_on,
        ends_on=command.ends_on,
        created_at=clock.now(),
        revoked_at=None,
    )
    uow.session.add(appointed)
    audit.record(
        uow,
        "approval_deputy.appointed",
        subject_id=appointed.id,
        deputy_id=str(command.deputy_id),
        starts_on=command.starts_on.isoformat(),
        ends_on=command.ends_on.isoformat(),
    )
    uow.flush()
    emit(uow, DeputyAppointed(delegation_id=appointed.id, org_id=org_id))
    return appointed


def revoke_deputy(uow: UnitOfWork, delegation_id: UUID) -> None:
    """End a delegation at once: one's own, or anybody's for who manages members. Done twice, it stays so.

    Raises: NotFound, Forbidden `permission_missing`. Emits: DeputyEnded. Locks: the delegation; what is being decided by it
    is waited for.
    """
    found = lock_row(uow.session, ApprovalDeputy, delegation_id)
    if found is None or found.org_id != uow.principal.organization():
        raise NotFound("not_found")
    if found.person_id != uow.principal.person_id and not uow.principal.may(MANAGE):
        raise Forbidden("permission_missing", permission=MANAGE)
    if found.revoked_at is None:
        found.revoked_at = clock.now()
        audit.record(uow, "approval_deputy.revoked", subject_id=found.id)
        emit(uow, DeputyEnded(delegation_id=found.id, org_id=found.org_id))
    uow.flush()


def deputies_over(uow: UnitOfWork) -> Sequence[UUID]:
    """Delegations that are over and that nobody ended: past their last day, or one of the two has left. For the platform."""
    return uow.session.scalars(
        select(ApprovalDeputy.id)
        .join(Organization, Organization.id == ApprovalDeputy.org_id)
        .where(ApprovalDeputy.revoked_at.is_(None), _is_over())
        .order_by(ApprovalDeputy.id)
        .limit(BATCH_SIZE)
    ).all()


def end_over(uow: UnitOfWork, delegation_id: UUID) -> bool:
    """Close a delegation that is over, so that both are told, once. Returns False when somebody ended it meanwhile.

    Emits: DeputyEnded. Locks: the delegation.
    """
    found = lock_row(uow.session, ApprovalDeputy, delegation_id)
    if found is None or found.revoked_at is not None:
        return False
    found.revoked_at = clock.now()
    uow.flush()
    emit(uow, DeputyEnded(delegation_id=found.id, org_id=found.org_id))
    return True


def list_deputies(uow: UnitOfWork) -> list[DeputyView]:
    """Delegations that are not over: by and to the acting person, and everybody's for who manages members."""
    given, taken = aliased(Person), aliased(Person)
    statement = (
        select(ApprovalDeputy, given.name, taken.name, Organization.time_zone)
        .join(Organization, Organization.id == ApprovalDeputy.org_id)
        .join(given, given.id == ApprovalDeputy.person_id)
        .join(taken, taken.id == ApprovalDeputy.deputy_id)
        .where(ApprovalDeputy.org_id == uow.principal.organization(), ApprovalDeputy.revoked_at.is_(None))
        .order_by(ApprovalDeputy.starts_on, ApprovalDeputy.id)
    )
    if not uow.principal.may(MANAGE):
        own = uow.principal.person_id
        statement = statement.where(or_(ApprovalDeputy.person_id == own, ApprovalDeputy.deputy_id == own))
    return [
        DeputyView(row.id, row.person_id, person, row.deputy_id, deputy, row.starts_on, row.ends_on)
        for row, person, deputy, time_zone in uow.session.execute(statement)
        if row.ends_on >= clock.today(time_zone)
    ]


def stands_for(uow: UnitOfWork, *, binding: bool) -> list[Candidate]:
    """Whom the acting person may decide for today, with what those may do.

    Locks: the delegations, for share, when `binding`: one that is being ended is ended first, or waits for the decision.
    """
    statement = _in_force().where(
        ApprovalDeputy.org_id == uow.principal.organization(), ApprovalDeputy.deputy_id == uow.principal.person()
    )
    if binding:
        statement = statement.with_for_update(read=True, of=ApprovalDeputy)
    return [
        Candidate(row.person_id, permissions_of(roles))
        for row, roles, time_zone in uow.session.execute(statement)
        if _is_today(row, time_zone)
    ]


def deputies_in(uow: UnitOfWork, org_ids: Collection[UUID]) -> list[tuple[UUID, UUID, Candidate]]:
    """Of these organizations: the organization, the deputy, and for whom. For the platform's own work."""
    statement = _in_force().where(ApprovalDeputy.org_id.in_(org_ids))
    return [
        (row.org_id, row.deputy_id, Candidate(row.person_id, permissions_of(roles)))
        for row, roles, time_zone in uow.session.execute(statement)
        if _is_today(row, time_zone)
    ]


def _in_force() -> Select[ApprovalDeputy, list[str], str]:
    """Delegations by members of today; who left has nothing to pass on."""
    return (
        select(ApprovalDeputy, Member.roles, Organization.time_zone)
        .join(
            Member,
            (Member.org_id == ApprovalDeputy.org_id)
            & (Member.person_id == ApprovalDeputy.person_id)
            & (Member.state == "active"),
        )
        .join(Organization, Organization.id == ApprovalDeputy.org_id)
        .where(ApprovalDeputy.revoked_at.is_(None))
        .order_by(ApprovalDeputy.starts_on, ApprovalDeputy.id)
    )


def is_in_force(now: ColumnElement[datetime]) -> ColumnElement[bool]:
    """In SQL, of a delegation joined with its organization: it was not ended, and today is one of its days."""
    return ApprovalDeputy.revoked_at.is_(None) & _today(now).between(ApprovalDeputy.starts_on, ApprovalDeputy.ends_on)


def _is_over() -> ColumnElement[bool]:
    def stays(person_id: ColumnElement[UUID]) -> ColumnElement[bool]:
        return exists().where(
            Member.org_id == ApprovalDeputy.org_id, Member.person_id == person_id, Member.state == "active"
        )

    left = ~stays(ApprovalDeputy.person_id.expression) | ~stays(ApprovalDeputy.deputy_id.expression)
    return (ApprovalDeputy.ends_on < _today(literal(clock.now(), DateTime(timezone=True)))) | left


def _today(now: ColumnElement[datetime]) -> ColumnElement[date]:
    """Where the organization keeps its calendar."""
    return cast(func.timezone(Organization.time_zone, now), Date)


def _is_today(row: ApprovalDeputy, time_zone: str) -> bool:
    return row.starts_on <= clock.today(time_zone) <= row.ends_on
