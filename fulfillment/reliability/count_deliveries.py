"""Counts the deliveries of all listings at once, and lets buyers see what they come to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Select, case, func, literal, null, select, union_all
from sqlalchemy.dialects.postgresql import insert

from fulfillment.reliability.ended_deliveries import LEAST, WINDOW, ended_deliveries
from fulfillment.reliability.models import ListingReliability
from kernel import clock
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import sweep
from marketplace.catalog.models import Listing
from marketplace.catalog.show_reliability import Reliability, show_reliability

COUNT_DELIVERIES = "fulfillment.reliability.count"
EVERY = timedelta(minutes=10)
BEHIND = timedelta(minutes=1)
"""Longer than a transaction lives: of what is counted nothing is committed later."""
FIGURES = ("counted", "succeeded", "median_s", "p95_s")


@sweep(COUNT_DELIVERIES, every=EVERY)
def count_all(transact: Transact) -> None:
    """Count the 30 days up to a minute ago, whole."""
    transact(count_deliveries)


def count_deliveries(uow: UnitOfWork) -> int:
    """Count anew, for every listing that has or had a delivery; returns of how many what is shown has changed.

    Locks: listings whose figures change.
    """
    until = clock.installation_now() - BEHIND
    ended = ended_deliveries().subquery("ended")
    counted = (
        select(
            ended.c.listing_id,
            ended.c.seller_org_id,
            func.count().label("counted"),
            func.count().filter(ended.c.succeeded).label("succeeded"),
            func.percentile_disc(0.5).within_group(ended.c.took_s).filter(ended.c.succeeded).label("median_s"),
            func.percentile_disc(0.95).within_group(ended.c.took_s).filter(ended.c.succeeded).label("p95_s"),
        )
        .where(ended.c.ended_at >= until - WINDOW, ended.c.ended_at < until)
        .group_by(ended.c.listing_id, ended.c.seller_org_id)
        .cte("counted")
    )
    none, nobody = literal(0, BigInteger), null()
    kept = ListingReliability
    forgotten = select(kept.listing_id, kept.seller_org_id, none, none, nobody, nobody).where(
        kept.listing_id.not_in(select(counted.c.listing_id))
    )
    every = union_all(select(counted), forgotten).subquery("every_one")
    written = insert(kept).from_select(
        ["listing_id", "seller_org_id", *FIGURES, "counted_until"], select(every, literal(until))
    )
    changes = {name: written.excluded[name] for name in (*FIGURES, "counted_until")}
    uow.session.execute(written.on_conflict_do_update(index_elements=[kept.listing_id], set_=changes))
    shown: dict[UUID, Reliability | None] = {row.listing_id: _shown(row) for row in uow.session.execute(_differing())}
    show_reliability(uow, shown)
    return len(shown)


def _differing() -> Select[Any, Any]:
    """Rows whose listing shows something else."""
    kept = ListingReliability
    said = func.jsonb_build_object(
        *(part for name in FIGURES for part in (literal(name), getattr(kept, name))),
    )
    due = case((kept.counted >= LEAST, said), else_=null())
    return (
        select(kept.listing_id, *(getattr(kept, name) for name in FIGURES))
        .join(Listing, Listing.id == kept.listing_id)
        .where(Listing.reliability.is_distinct_from(due))
        .order_by(kept.listing_id)
    )


def _shown(row: Any) -> Reliability | None:
    figures = {name: getattr(row, name) for name in FIGURES}
    return Reliability(**figures) if figures["counted"] >= LEAST else None
