"""What attribution is told of a live session in whose room something is bought."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class LiveFact:
    """The live session whose room the purchase is made in, whose shelf has the listing, and where that session is."""

    session_id: UUID
    video_id: UUID | None
    """Its film; a stream has none."""
    channel_id: UUID
    channel_org_id: UUID
    second_ms: int
