"""The tier whose partner's price a line was bought at. Pure."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict


class LineTier(BaseModel):
    """The tier whose price a line is at, by the link that the buyer had then.

    `list_minor`: what the same would have cost at the plan's price, before anything is off; None where what was agreed before
    goes on: of renewals, further instalments, usage, more seats.

    `min_quantity`, `quantity_step`: in what numbers it was ordered by the tier's terms. More seats go on in them, and fewer.
    """

    model_config = ConfigDict(frozen=True)

    link_id: UUID
    tier_id: UUID
    tier_price_id: UUID
    code: str
    name: str
    name_en: str
    list_minor: int | None = None
    min_quantity: int = 1
    quantity_step: int = 1

    @property
    def kept(self) -> LineTier:
        """Of a line at what was agreed before: nothing is compared with a price again."""
        return self.model_copy(update={"list_minor": None})
