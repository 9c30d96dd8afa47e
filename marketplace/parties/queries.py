"""Reads about the acting organization."""

from __future__ import annotations

from sqlalchemy import select

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
