"""What everybody in a room is told alike, read once for all of them: which item is explained, and where the film is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, select

from kernel import clock
from kernel.db.uow import UnitOfWork
from marketplace.catalog.models import Listing, Plan
from marketplace.live.explain import ON_SALE
from marketplace.live.models import LiveExplanation, LiveItem, LiveSession
from marketplace.parties.models import Organization


@dataclass(frozen=True, slots=True)
class LiveState:
    """A room at a moment. Of two the one with the higher `sequence` is later."""

    session_id: UUID
    state: str
    sequence: int
    item_id: UUID | None
    """What is explained, as long as it can be bought."""
    questions_sequence: int
    links_ended: int
    """As of the session: whose stream began with fewer is asked again whether they may watch."""
    started_at: datetime | None
    until: datetime | None

    @property
    def mark(self) -> str:
        """Changes whenever its viewers are to see something else."""
        return f"{self.sequence}|{self.state}|{self.item_id}|{self.links_ended}"

    @property
    def position_ms(self) -> int:
        """Milliseconds since it began, on the server's clock: no viewer's own clock is asked."""
        if self.started_at is None or self.until is None:
            return 0
        return max(0, (min(clock.now(), self.until) - self.started_at) // timedelta(milliseconds=1))


def live_states(uow: UnitOfWork, session_ids: Sequence[UUID]) -> dict[UUID, LiveState]:
    """The rooms of these sessions, in one statement. Platform only: whoever is told has been let in before."""
    rows = uow.session.execute(
        select(
            LiveSession.id,
            LiveSession.state,
            LiveSession.sequence,
            LiveSession.questions_sequence,
            LiveSession.links_ended,
            LiveSession.started_at,
            LiveSession.ends_at,
            LiveSession.ended_at,
            LiveExplanation.item_id,
            ON_SALE.label("on_sale"),
        )
        .select_from(LiveSession)
        .join(
            LiveExplanation,
            and_(LiveExplanation.session_id == LiveSession.id, LiveExplanation.to_ms.is_(None)),
            isouter=True,
        )
        .join(LiveItem, LiveItem.id == LiveExplanation.item_id, isouter=True)
        .join(Plan, Plan.id == LiveItem.plan_id, isouter=True)
        .join(Listing, Listing.id == LiveItem.listing_id, isouter=True)
        .join(Organization, Organization.id == LiveItem.seller_org_id, isouter=True)
        .where(LiveSession.id.in_(session_ids))
    )
    return {
        row.id: LiveState(
            row.id,
            row.state,
            row.sequence,
            row.item_id if row.on_sale else None,
            row.questions_sequence,
            row.links_ended,
            row.started_at,
            row.ended_at or row.ends_at,
        )
        for row in rows
    }
