"""Times that orders pay for, where those are no whole terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict


@dataclass(frozen=True, slots=True)
class Span:
    """A time that was paid for, half-open."""

    starts_at: datetime
    ends_at: datetime


class FirstTerm(BaseModel):
    """A first term that is no whole one: from when until when it is paid for, and the day of month that later terms end on."""

    model_config = ConfigDict(frozen=True)

    with_id: UUID | None = None
    """The subscription with which it ends; None where a day was agreed on."""
    starts_at: datetime
    ends_at: datetime
    anchor_day: int


def first_term_of(plan: Mapping[str, Any]) -> FirstTerm | None:
    """The first term that was agreed on, as an order line keeps it with its plan."""
    found = plan.get("first_term")
    return FirstTerm.model_validate(found) if found else None
