"""What reads of connectors return: frozen rows that pages and JSON use alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ConnectorView:
    """A seller's connector, without its secrets."""

    id: UUID
    kind: str
    name: str
    url: str | None
    overlap_until: datetime | None
    """Until when the former secret signs too."""
    test: Literal["untested", "running", "passed", "failed"]
    tested_at: datetime | None
    test_failure: str | None
    created_at: datetime
