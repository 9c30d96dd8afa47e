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
