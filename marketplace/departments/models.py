"""A department (cost centre) of an organization."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.db.constraints import register
from kernel.errors import Conflict


class Department(Base):
    """Whose spending a purchase is. An archived one is chosen no more; what names it goes on naming it."""

    __tablename__ = "department"
    __table_args__ = (
        UniqueConstraint("org_id", "id"),
        UniqueConstraint("org_id", "code"),
        ForeignKeyConstraint(["org_id", "parent_id"], ["marketplace.department.org_id", "marketplace.department.id"]),
        CheckConstraint("parent_id <> id", name="parent"),
        CheckConstraint("code = upper(code) AND code <> ''", name="code"),
        Index("ix_department_parent_id", "org_id", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    code: Mapped[str]
    """What the organization's books call it (成本中心), in capitals; its invoices repeat it."""
    name: Mapped[str]
    name_en: Mapped[str]
    """Empty where it has none."""
    parent_id: Mapped[UUID | None]
    """The department that it is part of."""
    archived_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]


def names_department(table: str, owner: str) -> tuple[ForeignKeyConstraint, Index]:
    """The key and its index of a table with a `department_id` that is one of `owner`'s."""
    return (
        ForeignKeyConstraint([owner, "department_id"], ["marketplace.department.org_id", "marketplace.department.id"]),
        Index(
            f"ix_{table}_department_id",
            owner,
            "department_id",
            postgresql_where=text("department_id IS NOT NULL"),
        ),
    )


register("uq_department_org_id_code", lambda: Conflict("department_code_taken"))
