"""For whom something was ordered, as quotes and orders say it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from api.schema import Out
from orders.order.line_end_customer import LineEndCustomer


class EndCustomerNameOut(Out):
    """The organization that uses what a dealer orders, by what it agreed to (`/v1/end-customers/{end_customer_id}`)."""

    end_customer_id: UUID
    org_id: UUID
    name: str

    @classmethod
    def of_line(cls, said: Any) -> EndCustomerNameOut | None:
        """From a line, or as it was stored."""
        return cls.of_row(LineEndCustomer.model_validate(said)) if said else None
