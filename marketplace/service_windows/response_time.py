"""How soon a seller answers, written where cards and pages read the seller anyway. Who counts it lies on a floor above."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, select, update

from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from marketplace.parties.lookups import get_party
from marketplace.parties.models import Organization

_PPM: Final = 1_000_000
WINDOW: Final = timedelta(days=30)
"""How far back questions count."""
IN_TIME: Final = timedelta(days=1)
"""What is not answered by then counts as not answered in time; until then a question without an answer does not count."""
LEAST: Final = 5
"""Fewer say nothing, and could tell how one buyer was treated."""


@dataclass(frozen=True, slots=True)
class ResponseTime:
    """Of `counted` questions of buyers so many were answered by a person `in_time`.

    `median_s`: the median of the seconds till the first answer, of those answered; None where none was.
    """

    counted: int
    in_time: int
    median_s: int | None

    @property
    def in_time_ppm(self) -> int:
        """The share answered in time, rounded down: 100 % is said of nothing less."""
        return self.in_time * _PPM // self.counted

    @classmethod
    def of(cls, stored: dict[str, Any] | None) -> ResponseTime | None:
        """As an organization carries it; None where nothing is said."""
        return cls(**stored) if stored else None


def shown_response_time(uow: UnitOfWork, seller_id: UUID) -> ResponseTime | None:
    """What is shown of a seller. Raises NotFound `organization_not_found` for whoever is none."""
    if not get_party(uow, seller_id).is_seller:
        raise NotFound("organization_not_found")
    return ResponseTime.of(uow.session.scalar(select(Organization.response_time).where(Organization.id == seller_id)))


def show_response_times(uow: UnitOfWork, figures: Mapping[UUID, ResponseTime | None]) -> None:
    """Write what these sellers show; None says nothing. Locks: the organizations, by id."""
    if not figures:
        return
    statement = update(Organization).where(Organization.id == bindparam("of_id"))
    rows = [{"of_id": of_id, "shown": asdict(one) if one else None} for of_id, one in sorted(figures.items())]
    uow.session.connection().execute(statement.values(response_time=bindparam("shown")), rows)
