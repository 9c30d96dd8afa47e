"""For tests: what the platform needs to be the issuer of invoices to buyers."""

from __future__ import annotations

from sqlalchemy import func, select

from kernel.db.uow import Database, unit_of_work
from kernel.principal import SYSTEM
from marketplace.parties.models import PLATFORM_ORG_ID, BillingProfile, Organization


def register_platform(db: Database) -> None:
    """Let the platform have an address on its invoices; what it has already stays."""
    with unit_of_work(db, SYSTEM) as uow:
        known = select(func.count()).where(BillingProfile.org_id == PLATFORM_ORG_ID, BillingProfile.is_default)
        if uow.session.scalar(known):
            return
        platform = uow.session.get_one(Organization, PLATFORM_ORG_ID)
        uow.session.add(
            BillingProfile(
                org_id=platform.id,
                legal_name=platform.legal_name,
                tax_id=platform.tax_id,
                country=platform.country,
                address="上海市浦东新区张江路 1 号",
                email="invoices@market.example",
                is_default=True,
                bank_name=None,
                bank_account_masked=None,
            )
        )
