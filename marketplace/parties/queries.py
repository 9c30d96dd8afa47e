"""Reads about the acting organization, and the names of others whose number it was given."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select, text

from kernel.db.uow import UnitOfWork
from marketplace.parties.lookups import InvoiceTitle, to_invoice_title
from marketplace.parties.models import BillingProfile


def list_billing_profiles(uow: UnitOfWork, *, retired: bool = False) -> list[InvoiceTitle]:
    """The acting organization's billing profiles, the default first; with those that are `retired` at the end if asked."""
    statement = (
        select(BillingProfile)
        .where(BillingProfile.org_id == uow.principal.organization())
        .order_by(BillingProfile.retired_at.is_not(None), BillingProfile.is_default.desc(), BillingProfile.created_at)
    )
    if not retired:
        statement = statement.where(BillingProfile.retired_at.is_(None))
    return [to_invoice_title(row) for row in uow.session.scalars(statement)]


def organization_names(uow: UnitOfWork, org_ids: Collection[UUID]) -> dict[UUID, str]:
    """What these organizations are called, by id; those that there are not, or not any more, are left out."""
    if not org_ids:
        return {}
    named = text("SELECT id, display_name FROM marketplace.organization_names(CAST(:ids AS uuid[]))")
    return {row.id: row.display_name for row in uow.session.execute(named, {"ids": list(org_ids)})}
