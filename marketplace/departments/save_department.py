"""An organization's departments: added, changed, archived and taken up again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.text import plain_text
from marketplace.departments.models import Department
from marketplace.departments.queries import count_departments, list_departments, with_parts
from marketplace.input_text import line, optional_line
from marketplace.parties.models import Organization

MOST = 500
MOST_LEVELS = 6
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")


@dataclass(frozen=True, slots=True)
class SaveDepartment:
    """A department to add (`id` None) or to change. A code of letters, digits, dots and dashes is kept in capitals."""

    code: str
    name: str
    name_en: str = ""
    parent_id: UUID | None = None
    id: UUID | None = None


def save_department(uow: UnitOfWork, command: SaveDepartment) -> Department:
    """Add or change a department of the acting organization. Invoices that were issued keep the code they name.

    One that says all that another in use says is not added a second time: that one is the answer.

    Raises:
        Invalid: `department_code_invalid`, `text_required`, `text_too_long`, `department_parent_invalid` (not of the
            organization, archived, part of this one, or more than 6 levels).
        NotFound: `department_not_found`.
        Conflict: `department_code_taken`, `too_many_departments`.

    Locks: the organization, so that two changes cannot make two departments part of each other.
    """
    org_id = uow.principal.organization()
    lock_row(uow.session, Organization, org_id)
    if command.id is not None:
        row = _own(uow, command.id)
    elif count_departments(uow) >= MOST:
        raise Conflict("too_many_departments", limit=MOST)
    else:
        known = _same(uow, command)
        if known is not None:
            return known
        row = Department(id=uuid7(), org_id=org_id, archived_at=None, created_at=clock.now())
    row.code = _checked_code(command.code)
    row.name = line("name", command.name, 100)
    row.name_en = optional_line("name_en", command.name_en, 100)
    if command.parent_id is not None and command.parent_id != row.parent_id:
        _check_parent(uow, command.id, command.parent_id)
    row.parent_id = command.parent_id
    uow.session.add(row)
    uow.flush()
    audit.record(uow, "department.saved", subject_id=row.id, code=row.code)
    return row


def _same(uow: UnitOfWork, wanted: SaveDepartment) -> Department | None:
    """What a form that is sent twice has added already."""
    return uow.session.scalar(
        select(Department).where(
            Department.org_id == uow.principal.organization(),
            Department.code == _checked_code(wanted.code),
            Department.name == line("name", wanted.name, 100),
            Department.name_en == optional_line("name_en", wanted.name_en, 100),
            Department.parent_id.is_not_distinct_from(wanted.parent_id),
            Department.archived_at.is_(None),
        )
    )


def archive_department(uow: UnitOfWork, department_id: UUID) -> Department:
    """Let it be chosen no more. What names it goes on naming it, renewals too. Done again, it stays archived.

    Raises: NotFound `department_not_found`. Locks: the organization.
    """
    lock_row(uow.session, Organization, uow.principal.organization())
    row = _own(uow, department_id)
    if row.archived_at is None:
        row.archived_at = clock.now()
        audit.record(uow, "department.archived", subject_id=row.id)
        uow.flush()
    return row


def restore_department(uow: UnitOfWork, department_id: UUID) -> Department:
    """Let an archived one be chosen again. Raises: NotFound `department_not_found`. Locks: the organization."""
    lock_row(uow.session, Organization, uow.principal.organization())
    row = _own(uow, department_id)
    if row.archived_at is not None:
        row.archived_at = None
        audit.record(uow, "department.restored", subject_id=row.id)
        uow.flush()
    return row


def _own(uow: UnitOfWork, department_id: UUID) -> Department:
    row = lock_row(uow.session, Department, department_id)
    if row is None or row.org_id != uow.principal.organization():
        raise NotFound("department_not_found")
    return row


def _checked_code(code: str) -> str:
    cleaned = plain_text(code)
    if not _CODE.fullmatch(cleaned):
        raise Invalid("department_code_invalid", field="code")
    return cleaned.upper()


def _check_parent(uow: UnitOfWork, department_id: UUID | None, parent_id: UUID) -> None:
    levels = {one.id: one.level for one in list_departments(uow, archived=True)}
    in_use = {one.id for one in list_departments(uow)}
    below = with_parts(uow, department_id) if department_id is not None else []
    depth = max((levels[one] for one in below), default=0) - (levels[department_id] if department_id else 0)
    if parent_id not in in_use or parent_id in below or levels[parent_id] + 1 + depth >= MOST_LEVELS:
        raise Invalid("department_parent_invalid", field="parent_id")
