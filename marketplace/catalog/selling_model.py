"""Who sells to the buyer: the seller of the listing itself, or the platform, which buys from it (经销)."""

from __future__ import annotations

from typing import Final, Literal
from uuid import UUID

from sqlalchemy import func, select

from kernel.db.uow import UnitOfWork
from marketplace.parties.models import PLATFORM_ORG_ID

SellingModel = Literal["agency", "reseller"]
AGENCY: Final = "agency"
"""The seller invoices the buyer, and the platform its commission to the seller."""
RESELLER: Final = "reseller"
"""The platform invoices the buyer, and the seller what it supplied to the platform."""
SELLING_MODELS: Final = (AGENCY, RESELLER)
UNREADY: Final = "platform_may_not_sell"
"""The platform lacks its legal name, tax identifier or address, with which it would invoice."""


def issuer_of(selling_model: str, seller_org_id: UUID) -> UUID:
    """Who invoices the buyer, and so whose tax it is. Pure."""
    return PLATFORM_ORG_ID if selling_model == RESELLER else seller_org_id


def platform_may_sell(uow: UnitOfWork) -> bool:
    """Whether the platform has what an invoice has to say of its issuer; asked of the database, which sees its profile."""
    return bool(uow.session.scalar(select(func.marketplace.platform_may_sell())))
