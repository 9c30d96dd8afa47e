"""An organization's departments: the list, and the forms that add, change, archive and restore them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.departments.views import DepartmentItem, DepartmentsView, TypedDepartment
from api.pages.frame import addresses
from api.pages.frame.choices import department_choices
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.problems import headers_of
from api.v1.departments import MANAGE
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, NotFound
from marketplace.access.members import list_members
from marketplace.departments.models import Department
from marketplace.departments.queries import DepartmentRow, list_departments
from marketplace.departments.save_department import (
    SaveDepartment,
    archive_department,
    restore_department,
    save_department,
)

Answer = Response[str] | Response[bytes]
NEW = "new"


@page(addresses.departments.DEPARTMENTS, MANAGE)
def show_departments(page_request: Given[PageRequest]) -> Answer:
    """All of them, those in use before the archived ones."""
    return page_request.render(_view(page_request))


@form_post(addresses.departments.DEPARTMENTS, MANAGE)
def add_department(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Add one; sent twice, it is added once."""
    return _save(page_request, form, None)


@form_post("/departments/{department_id:uuid}", MANAGE)
def change_department(department_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Change one; issued invoices keep the code they name."""
    return _save(page_request, form, department_id)


@form_post("/departments/{department_id:uuid}/archive", MANAGE)
def archive(department_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Offer it no more."""
    del form
    return _act(page_request, archive_department, department_id, "department_archived")


@form_post("/departments/{department_id:uuid}/restore", MANAGE)
def restore(department_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Offer it again."""
    del form
    return _act(page_request, restore_department, department_id, "department_restored")


def _act(
    page_request: PageRequest, act: Callable[[UnitOfWork, UUID], Department], department_id: UUID, done: str
) -> Answer:
    page_request.transact(lambda uow: act(uow, department_id))
    return page_request.redirect(addresses.departments.DEPARTMENTS, notice=done)


def _save(page_request: PageRequest, form: Form, department_id: UUID | None) -> Answer:
    typed = TypedDepartment(
        form.text("code", most=200),
        form.text("name", most=200),
        form.text("name_en", most=200),
        form.text("parent_id", most=36),
    )
    parent_id = parse_uuid_or_404(typed.parent_id, "department_not_found") if typed.parent_id else None
    command = SaveDepartment(typed.code, typed.name, typed.name_en, parent_id, department_id)
    try:
        page_request.transact(lambda uow: save_department(uow, command))
    except NotFound:
        raise
    except DomainError as refused:
        view = _view(page_request, str(department_id) if department_id else NEW, typed, refused)
        return page_request.render(view, status=refused.status, headers=headers_of(refused))
    return page_request.redirect(addresses.departments.DEPARTMENTS, notice="department_saved")


def _view(
    page_request: PageRequest,
    wrong: str = "",
    typed: TypedDepartment | None = None,
    refused: DomainError | None = None,
) -> DepartmentsView:
    with page_request.work() as uow:
        rows = list_departments(uow, archived=True)
        members = Counter(one.department_id for one in list_members(uow) if one.state == "active")
    items = [_item(page_request, one, rows, members[one.id], typed if wrong == str(one.id) else None) for one in rows]
    return DepartmentsView(
        rows=tuple(one for one in items if not one.is_archived),
        archived=tuple(one for one in items if one.is_archived),
        typed=typed if typed and wrong == NEW else TypedDepartment(),
        parents=department_choices(rows, page_request.language),
        wrong=wrong,
        error=failure(page_request, refused) if refused else "",
        error_field=_field_of(refused) if refused else "",
    )


def _field_of(refused: DomainError) -> str:
    """Where it is said: a code that names another department is wrong at the code."""
    return "code" if refused.code == "department_code_taken" else getattr(refused, "field", None) or ""


def _item(
    page_request: PageRequest,
    one: DepartmentRow,
    rows: list[DepartmentRow],
    members: int,
    typed: TypedDepartment | None,
) -> DepartmentItem:
    stored = TypedDepartment(one.code, one.name, one.name_en, str(one.parent_id or ""))
    return DepartmentItem(
        id=str(one.id),
        name=page_request.pick(one.name, one.name_en),
        code=one.code,
        level=one.level,
        members=members,
        is_archived=one.is_archived,
        typed=typed or stored,
        parents=tuple(
            choice
            for choice in department_choices(rows, page_request.language, one.parent_id)
            if choice.id != str(one.id)
        ),
    )


routes = [show_departments, add_department, change_department, archive, restore]
