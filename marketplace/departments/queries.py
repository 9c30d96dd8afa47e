"""Reads of the acting organization's departments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from marketplace.departments.models import Department


@dataclass(frozen=True, slots=True)
class DepartmentRow:
    """A department; `level` counts those above it."""

    id: UUID
    code: str
    name: str
    name_en: str
    parent_id: UUID | None
    is_archived: bool
    level: int = 0


def department_row(row: Department) -> DepartmentRow:
    """As it is shown by itself."""
    return DepartmentRow(row.id, row.code, row.name, row.name_en, row.parent_id, row.archived_at is not None)


def list_departments(uow: UnitOfWork, *, archived: bool = False) -> list[DepartmentRow]:
    """The acting organization's departments by code, each with its own parts after it; with `archived` ones if asked.

    A part of one that is archived, and not asked for, stands by itself.
    """
    found = uow.session.scalars(
        select(Department)
        .where(
            Department.org_id == uow.principal.organization(),
            *(() if archived else (Department.archived_at.is_(None),)),
        )
        .order_by(Department.code)
    )
    rows = [department_row(one) for one in found]
    known = {one.id for one in rows}
    parts: dict[UUID | None, list[DepartmentRow]] = defaultdict(list)
    for one in rows:
        parts[one.parent_id if one.parent_id in known else None].append(one)
    return list(_in_order(parts, None, 0))


def _in_order(
    parts: dict[UUID | None, list[DepartmentRow]], parent_id: UUID | None, level: int
) -> Iterator[DepartmentRow]:
    for one in parts.get(parent_id, ()):
        yield DepartmentRow(one.id, one.code, one.name, one.name_en, one.parent_id, one.is_archived, level)
        yield from _in_order(parts, one.id, level + 1)


def with_parts(uow: UnitOfWork, department_id: UUID) -> list[UUID]:
    """A department of the acting organization and all that is part of it, archived ones too; nothing where there is none."""
    own = Department.org_id == uow.principal.organization()
    found = select(Department.id).where(own, Department.id == department_id).cte(recursive=True)
    below = found.union(select(Department.id).where(own, Department.parent_id == found.c.id))
    return list(uow.session.scalars(select(below.c.id)))


def require_department(uow: UnitOfWork, department_id: UUID) -> Department:
    """One of the acting organization's that can be chosen. Raises Invalid(`department_unknown`)."""
    found = uow.session.get(Department, department_id)
    if found is None or found.org_id != uow.principal.organization() or found.archived_at is not None:
        raise Invalid("department_unknown", field="department_id")
    return found


def count_departments(uow: UnitOfWork) -> int:
    """How many the acting organization has, archived ones too."""
    statement = select(func.count()).where(Department.org_id == uow.principal.organization())
    return uow.session.scalar(statement) or 0
