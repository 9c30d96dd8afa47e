"""One corruption for every rule of how reliably listings are delivered."""

from __future__ import annotations

from datetime import timedelta

from kernel import clock
from kernel.ids import uuid7
from tests.service.verify.planting import Planter
from tests.verify_world import World

_UNCOUNTED = "SELECT l.id FROM marketplace.listing l LEFT JOIN fulfillment.listing_reliability x ON x.listing_id = l.id"


def reliability_counted(p: Planter, _: World) -> None:
    """A delivery that never was, of a listing that nobody bought."""
    listing_id = p.find(f"{_UNCOUNTED} WHERE x.listing_id IS NULL ORDER BY l.id")
    p.change(
        """INSERT INTO fulfillment.listing_reliability (listing_id, seller_org_id, counted, succeeded, counted_until)
           SELECT id, org_id, 1, 0, :now FROM marketplace.listing WHERE id = :id""",
        id=listing_id,
        now=clock.now(),
    )


def reliability_shown(p: Planter, _: World) -> None:
    listing_id = p.find(f"{_UNCOUNTED} ORDER BY l.id")
    said = '{"counted": 900, "succeeded": 900, "median_s": 1, "p95_s": 2}'
    p.change(
        "UPDATE marketplace.listing SET reliability = CAST(:said AS jsonb) WHERE id = :id", id=listing_id, said=said
    )


def reliability_paused(p: Planter, _: World) -> None:
    """A pause that goes on beside a listing on sale."""
    _pause(p, "paused", failed=5)


def reliability_founded(p: Planter, _: World) -> None:
    """A pause for less than the rule asks."""
    _pause(p, "released", failed=4)


def _pause(p: Planter, state: str, *, failed: int) -> None:
    listing_id, pause_id = p.find("SELECT id FROM marketplace.listing WHERE state = 'published' ORDER BY id"), uuid7()
    ended = clock.now() if state == "released" else None
    p.change(
        """INSERT INTO fulfillment.listing_pause
               (id, seller_org_id, listing_id, state, rule, failed, counted, created_at, released_at, released_by)
           SELECT :pause, org_id, id, :state, 'in_row', :failed, 5, :at, CAST(:ended AS timestamptz),
                  CASE WHEN :state = 'released' THEN 'operator' END
           FROM marketplace.listing WHERE id = :id""",
        id=listing_id,
        pause=pause_id,
        state=state,
        failed=failed,
        at=clock.now() - timedelta(hours=1),
        ended=ended,
    )
    p.remember("listing_pause", pause_id, None, "paused", *(["released"] if state == "released" else []))
