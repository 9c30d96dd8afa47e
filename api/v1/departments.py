"""Departments (cost centres) of one's organization, and whose spending what is."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter
from pydantic import Field

from api.auth import SIGNED_IN
from api.request import ApiRequest
from api.schema import Out, Wire
from api.v1.organizations import require_own_organization
from kernel.db.uow import UnitOfWork
from marketplace.access.members import MemberRow, list_members, set_department
from marketplace.departments.queries import department_row, list_departments
from marketplace.departments.save_department import (
    SaveDepartment,
    archive_department,
    restore_department,
    save_department,
)
from orders.departments.assign_department import assign_purchase, assign_subscription

MANAGE = "members.manage"
ASSIGN = "billing.manage"
"""Finance says whose spending something was."""

ArchivedParameter = Annotated[
    bool, QueryParameter(name="archived", required=False, description="Whether to list archived ones, too")
]


class DepartmentIn(Wire):
    """A department. Letters of its code are kept as capitals."""

    code: Annotated[str, Field(min_length=1, max_length=32)] = Field(
        description="What the organization's books call it: letters, digits, dots, dashes. Its invoices repeat it",
        examples=["MKT-01"],
    )
    name: Annotated[str, Field(min_length=1, max_length=100)]
    name_en: Annotated[str, Field(max_length=100)] = ""
    parent_id: UUID | None = Field(
        default=None, description="The department that it is part of, at most six levels deep"
    )


class DepartmentOut(Out):
    """A department. An archived one is chosen no more; what names it goes on naming it."""

    id: UUID
    code: str
    name: str
    name_en: str
    parent_id: UUID | None
    is_archived: bool


class AssignmentIn(Wire):
    """Whose spending it is; null: no department's."""

    department_id: UUID | None


@get("/v1/departments", permission=SIGNED_IN, sync_to_thread=True, tags=["people"])
def get_departments(request: ApiRequest, archived: ArchivedParameter = False) -> list[DepartmentOut]:  # noqa: FBT002 - a query parameter
    """The organization's departments by code, each followed by its parts."""
    with request.transaction() as uow:
        return [DepartmentOut.of_row(one) for one in list_departments(uow, archived=archived)]


@post("/v1/departments", permission=MANAGE, refuses=[409], sync_to_thread=True, tags=["people"])
def create_department(data: JSONBody[DepartmentIn], request: ApiRequest) -> DepartmentOut:
    """Add a department."""
    return save(request, data, None)


@put("/v1/departments/{department_id:uuid}", permission=MANAGE, refuses=[409], sync_to_thread=True, tags=["people"])
def update_department(
    department_id: FromPath[UUID], data: JSONBody[DepartmentIn], request: ApiRequest
) -> DepartmentOut:
    """Change a department. Invoices that were issued keep the code they name."""
    return save(request, data, department_id)


@post(
    "/v1/departments/{department_id:uuid}/archive",
    permission=MANAGE,
    sync_to_thread=True,
    status_code=200,
    tags=["people"],
)
def archive(department_id: FromPath[UUID], request: ApiRequest) -> DepartmentOut:
    """Offer it no more. What names it goes on naming it, renewals too."""
    return request.transact(lambda uow: DepartmentOut.of_row(department_row(archive_department(uow, department_id))))


@post(
    "/v1/departments/{department_id:uuid}/restore",
    permission=MANAGE,
    sync_to_thread=True,
    status_code=200,
    tags=["people"],
)
def restore(department_id: FromPath[UUID], request: ApiRequest) -> DepartmentOut:
    """Offer an archived one again."""
    return request.transact(lambda uow: DepartmentOut.of_row(department_row(restore_department(uow, department_id))))


@put(
    "/v1/organizations/{org_id:uuid}/members/{member_id:uuid}/department",
    permission=MANAGE,
    sync_to_thread=True,
    tags=["people"],
)
def put_member_department(
    org_id: FromPath[UUID], member_id: FromPath[UUID], data: JSONBody[AssignmentIn], request: ApiRequest
) -> MemberRow:
    """Say whose spending it is what a member buys, where nothing else is said. What they bought stays where it is."""
    require_own_organization(request.principal, org_id)

    def work(uow: UnitOfWork) -> MemberRow:
        set_department(uow, member_id, data.department_id)
        return next(row for row in list_members(uow) if row.id == member_id)

    return request.transact(work)


@put(
    "/v1/purchases/{purchase_id:uuid}/department",
    permission=ASSIGN,
    refuses=[409],
    sync_to_thread=True,
    status_code=204,
    tags=["buying"],
)
def put_purchase_department(purchase_id: FromPath[UUID], data: JSONBody[AssignmentIn], request: ApiRequest) -> None:
    """Count a purchase as another department's spending, until the month it was paid in is over.

    What it began is charged to that department from now on. An invoice that was issued keeps the code it names.
    """
    request.transact(lambda uow: assign_purchase(uow, purchase_id, data.department_id))


@put(
    "/v1/subscriptions/{subscription_id:uuid}/department",
    permission=ASSIGN,
    sync_to_thread=True,
    status_code=204,
    tags=["buying"],
)
def put_subscription_department(
    subscription_id: FromPath[UUID], data: JSONBody[AssignmentIn], request: ApiRequest
) -> None:
    """Count what is charged for a subscription from now on as another department's spending: renewals, changes, usage."""
    request.transact(lambda uow: assign_subscription(uow, subscription_id, data.department_id))


def save(request: ApiRequest, data: DepartmentIn, department_id: UUID | None) -> DepartmentOut:
    """For the JSON route and the page alike. Raises as `save_department`."""
    command = SaveDepartment(**data.model_dump(), id=department_id)
    return request.transact(lambda uow: DepartmentOut.of_row(department_row(save_department(uow, command))))


routes = [
    get_departments,
    create_department,
    update_department,
    archive,
    restore,
    put_member_department,
    put_purchase_department,
    put_subscription_department,
]
