"""Who may read what of delivery: the condition every query of it starts from."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, false, true

from kernel.db.uow import UnitOfWork


def is_acting_organization(uow: UnitOfWork, column: Any) -> ColumnElement[bool]:
    """The column is the acting organization; anything for the platform, nothing for nobody."""
    if uow.principal.is_platform:
        return true()
    return column == uow.principal.org_id if uow.principal.org_id is not None else false()
