"""How reliably a product is delivered, from the orders themselves; the same for every reader."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import BigInteger, column, func, select

from kernel.db.uow import UnitOfWork

LATEST = 200
"""Orders looked at: enough to judge by, and few enough for a page that everybody opens."""
LEAST = 5
"""Fewer say nothing, and could tell what one buyer met with."""


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """Of the latest paid orders whose delivery ended: how many there are, and how many of them were delivered."""

    ended: int
    delivered: int

    @property
    def share_ppm(self) -> int | None:
        """The share delivered, rounded down; None where there are too few orders to say."""
        return None if self.ended < LEAST else self.delivered * 1_000_000 // self.ended


def delivery_record(uow: UnitOfWork, listing_id: UUID) -> DeliveryRecord:
    """The record of a listing. Its orders are others' affair: the database counts them and shows nothing else."""
    counted = func.orders.count_deliveries(listing_id, LATEST).table_valued(
        column("ended", BigInteger), column("delivered", BigInteger)
    )
    ended, delivered = uow.session.execute(select(counted.c.ended, counted.c.delivered)).one()
    return DeliveryRecord(ended, delivered)
