"""The catalogue's version: what tells a kept answer from an outdated one."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base


class CatalogueVersion(Base):
    """At most one row, replaced by the commit of everything that changes what videos, cards and claims show.

    Triggers write it (revision 0007). The version is random instead of counted, so that none comes twice, not even in a
    database that was restored. While there is no row, nothing is known to be unchanged.
    """

    __tablename__ = "catalogue_version"
    __table_args__ = (CheckConstraint("id = 1", name="single"), {"schema": "marketplace"})
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[UUID]
