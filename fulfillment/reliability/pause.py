"""Pauses listings whose deliveries fail, and releases them: by a replayed run that succeeded, the seller, or the platform."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, select

from fulfillment.connectors.models import ConnectorRow
from fulfillment.entitlements.models import Entitlement
from fulfillment.reliability.ended_deliveries import ended_deliveries
from fulfillment.reliability.failing import IN_ROW, WITHIN, find_failing
from fulfillment.reliability.models import LISTING_PAUSE, ListingPause
from fulfillment.runs.models import RUN, Run
from fulfillment.runs.replay_run import REPLAYED
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import Transact, UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.ids import uuid7
from kernel.jobs.kinds import Payload, follows, sweep
from kernel.jobs.settle_each import settle_each
from kernel.states import StateHistory
from marketplace.catalog.events import ListingResumed
from marketplace.catalog.models import Listing, Plan
from marketplace.catalog.pause_listing import end_pause, pause_listing
from marketplace.catalog.rate_listing import lock_listing

PAUSE_FAILING = "fulfillment.reliability.pause"
RELEASE_MENDED = "fulfillment.reliability.release"
EVERY = timedelta(minutes=1)
AT_ONCE = 200


@sweep(PAUSE_FAILING, every=EVERY)
def pause_all_failing(transact: Transact) -> None:
    """Pause what fails by now."""
    settle_each(transact, failing_listings, pause_failing)


@sweep(RELEASE_MENDED, every=EVERY)
def release_all_mended(transact: Transact) -> None:
    """Release what a replayed run has shown to work again."""
    settle_each(transact, mended_listings, release_mended)


def failing_listings(uow: UnitOfWork, limit: int = AT_ONCE) -> Sequence[UUID]:
    """Listings on sale of which enough deliveries failed lately that the rule may pause them."""
    ended = ended_deliveries(failed=True).subquery("ended")
    return uow.session.scalars(
        select(ended.c.listing_id)
        .join(Listing, Listing.id == ended.c.listing_id)
        .where(Listing.state == "published", *_counts(ended.c))
        .group_by(ended.c.listing_id)
        .having(func.count() >= IN_ROW)
        .order_by(ended.c.listing_id)
        .limit(limit)
    ).all()


def pause_failing(uow: UnitOfWork, listing_id: UUID) -> bool:
    """Pause a listing if the rule says so. Returns whether it did. Emits: ListingPaused. Locks: the listing."""
    listing = lock_listing(uow, listing_id)
    if listing.state != "published":
        return False
    ended = ended_deliveries().subquery("ended")
    outcomes = uow.session.scalars(
        select(ended.c.succeeded)
        .where(ended.c.listing_id == listing_id, *_counts(ended.c))
        .order_by(ended.c.ended_at.desc(), ended.c.run_id.desc())
    ).all()
    found = find_failing(outcomes)
    if found is None:
        return False
    pause = ListingPause(
        id=uuid7(),
        seller_org_id=listing.org_id,
        listing_id=listing_id,
        rule=found.rule,
        failed=found.failed,
        counted=found.counted,
        created_at=clock.now(),
    )
    LISTING_PAUSE.begin(uow, pause, org_ids=[listing.org_id])
    uow.add(pause)
    pause_listing(uow, listing, failed=found.failed, counted=found.counted)
    return True


def mended_listings(uow: UnitOfWork, limit: int = AT_ONCE) -> Sequence[UUID]:
    """Paused listings of which a run that had been given up was replayed, and has succeeded since the pause."""
    replayed = exists().where(
        StateHistory.machine == RUN.name, StateHistory.subject_id == Run.id, StateHistory.reason == REPLAYED
    )
    return uow.session.scalars(
        select(ListingPause.listing_id)
        .join(Listing, Listing.id == ListingPause.listing_id)
        .where(
            ListingPause.state == "paused",
            Listing.state == "paused",
            exists()
            .where(
                Entitlement.seller_org_id == ListingPause.seller_org_id,
                Entitlement.listing_id == ListingPause.listing_id,
                Run.buyer_org_id == Entitlement.buyer_org_id,
                Run.entitlement_id == Entitlement.id,
                Run.state == "succeeded",
                Run.finished_at >= ListingPause.created_at,
                replayed,
            )
            .correlate(ListingPause),
        )
        .order_by(ListingPause.id)
        .limit(limit)
    ).all()


def release_mended(uow: UnitOfWork, listing_id: UUID) -> bool:
    """Put a paused listing back on sale. Returns whether it still was. Emits: ListingResumed. Locks: listing, pause."""
    listing = lock_listing(uow, listing_id)
    if listing.state != "paused":
        return False
    _release(uow, listing_id, "replayed")
    end_pause(uow, listing, reason="replayed")
    return True


def confirm_mended(uow: UnitOfWork, listing_id: UUID) -> None:
    """The acting seller says that its paused listing can be delivered again; a passed test of its connectors shows it.

    Raises: NotFound `listing_not_found`; Conflict `listing_not_paused`; `connector_test_needed` where a connector of a plan on
    sale has not passed a test since the pause began, or no plan has one.
    Emits: ListingResumed. Locks: the listing, the pause.
    """
    listing = lock_row(uow.session, Listing, listing_id)
    if listing is None or listing.org_id != uow.principal.organization():
        raise NotFound("listing_not_found")
    pause = open_pause(uow, listing_id)
    if listing.state != "paused" or pause is None:
        raise Conflict("listing_not_paused")
    if not is_tested(uow, listing, pause):
        raise Conflict("connector_test_needed")
    _release(uow, listing_id, "confirmed")
    end_pause(uow, listing, reason="confirmed")


def is_tested(uow: UnitOfWork, listing: Listing, pause: ListingPause) -> bool:
    """Whether every connector of the plans on sale has passed a test that was asked for since the pause began."""
    rows = uow.session.execute(
        select(ConnectorRow.test_asked_at, ConnectorRow.tested_at, ConnectorRow.test_failure).where(
            ConnectorRow.org_id == listing.org_id,
            ConnectorRow.id.in_(
                select(Plan.connector_id).where(
                    Plan.org_id == listing.org_id,
                    Plan.version_id == listing.current_version_id,
                    Plan.state == "active",
                    Plan.connector_id.is_not(None),
                )
            ),
        )
    ).all()
    return bool(rows) and all(
        one.test_asked_at is not None
        and one.test_asked_at >= pause.created_at
        and one.tested_at is not None
        and one.test_failure is None
        for one in rows
    )


def open_pause(uow: UnitOfWork, listing_id: UUID) -> ListingPause | None:
    """The pause that a listing is in, or was suspended or retired in."""
    return uow.session.scalar(
        select(ListingPause).where(ListingPause.listing_id == listing_id, ListingPause.state == "paused")
    )


@follows(ListingResumed)
def close_pause(uow: UnitOfWork, fact: Payload) -> None:
    """Whatever the platform puts back on sale is paused no more, suspended meanwhile or not."""
    _release(uow, UUID(fact["listing_id"]), "operator")


def _release(uow: UnitOfWork, listing_id: UUID, by: str) -> None:
    open_id = uow.session.scalar(
        select(ListingPause.id).where(ListingPause.listing_id == listing_id, ListingPause.state == "paused")
    )
    pause = lock_row(uow.session, ListingPause, open_id) if open_id is not None else None
    if pause is not None and LISTING_PAUSE.move(uow, pause, "released", org_ids=[pause.seller_org_id], reason=by):
        pause.released_at, pause.released_by = clock.now(), by
        uow.flush()


def _counts(ended: Any) -> tuple[ColumnElement[bool], ...]:
    """Conditions for deliveries that decide about a pause now: of the last week, and since the last pause ended."""
    listing_id, ended_at = ended.listing_id, ended.ended_at
    before = exists().where(and_(ListingPause.listing_id == listing_id, ListingPause.released_at >= ended_at))
    now = clock.now()
    return (ended_at >= now - WITHIN, ended_at < now, ~before)
