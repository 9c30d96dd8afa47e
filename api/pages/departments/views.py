"""An organization's departments, as their page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from api.pages.frame.choices import Choice


@dataclass(frozen=True, slots=True)
class TypedDepartment:
    """What a form holds, as it was typed."""

    code: str = ""
    name: str = ""
    name_en: str = ""
    parent_id: str = ""


@dataclass(frozen=True, slots=True)
class DepartmentItem:
    """A department in the list. ``parents``: what it may be part of."""

    id: str
    name: str
    code: str
    level: int
    members: int
    is_archived: bool
    typed: TypedDepartment
    parents: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class DepartmentsView:
    """The departments, each with the form that changes it, and the form of a new one.

    ``wrong`` says which form was refused: the department's id, or ``new``.
    """

    template: ClassVar[str] = "departments/departments.html"
    active: ClassVar[str] = "departments"

    rows: tuple[DepartmentItem, ...]
    archived: tuple[DepartmentItem, ...]
    typed: TypedDepartment
    parents: tuple[Choice, ...]
    wrong: str = ""
    error: str = ""
    error_field: str = ""
