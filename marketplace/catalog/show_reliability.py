"""How reliably a listing is delivered, written where cards and lists read it anyway. Who counts it lies on a floor above."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, update

from kernel.db.uow import UnitOfWork
from marketplace.catalog.models import Listing

_PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class Reliability:
    """Of `counted` deliveries that ended in 30 days so many `succeeded`.

    `median_s` and `p95_s`: the median and the 95th percentile of the seconds those took; None where none did.
    """

    counted: int
    succeeded: int
    median_s: int | None
    p95_s: int | None

    @property
    def success_ppm(self) -> int:
        """The share that succeeded, rounded down: 100 % is said of nothing less."""
        return self.succeeded * _PPM // self.counted

    @classmethod
    def of(cls, stored: dict[str, Any] | None) -> Reliability | None:
        """As a listing carries it; None where nothing is said."""
        return cls(**stored) if stored else None


def show_reliability(uow: UnitOfWork, figures: Mapping[UUID, Reliability | None]) -> None:
    """Write what these listings show; None says nothing. Locks: the listings, by id."""
    if not figures:
        return
    statement = update(Listing).where(Listing.id == bindparam("of_id")).values(reliability=bindparam("shown"))
    rows = [{"of_id": of_id, "shown": asdict(one) if one else None} for of_id, one in sorted(figures.items())]
    uow.session.connection().execute(statement, rows)
