"""For whom a line was ordered, where its buyer is a dealer. Pure."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict


class LineEndCustomer(BaseModel):
    """The organization that uses what the line delivers, by what it had agreed to (`marketplace.end_customers`).

    All lines of an order have the same, or none.
    """

    model_config = ConfigDict(frozen=True)

    end_customer_id: UUID
    org_id: UUID
    name: str
    region: str = ""
    """Where it was (`marketplace.parties.regions.region_of`)."""
    territory_id: UUID | None = None
    """Of the dealer's territories with the seller, the one that it was in; None: the dealer had none."""
