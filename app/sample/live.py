"""The sample market's live sessions: one that is to be seen again, and one ahead, with a live price for fifty orders."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from app.sample.circle import owner_of
from kernel import clock
from kernel.db.uow import Database, UnitOfWork, transact
from kernel.principal import SYSTEM
from marketplace.live.explain import explain_item
from marketplace.live.models import LiveSession
from marketplace.live.run_session import settle_over, start_session
from marketplace.live.save_session import SaveLiveSession, schedule_session
from marketplace.live.shelf import add_item
from orders.coupons.live_price import SetLivePrice, set_live_price

HOST: Final = "yihao"
FILM: Final = "recruiting"
SHELF: Final = ("recruiting", "onsite")
"""Scenes whose products stand on the shelf, in this order; the first is explained first."""
WAS: Final = timedelta(hours=2)
"""How long ago the first began."""
SECOND_AFTER: Final = timedelta(seconds=6)
"""From then on the second product is explained."""
AHEAD: Final = timedelta(days=2)
OFF_PPM: Final = 200_000
PLACES: Final = 50
TITLE: Final = ("秋招专场：一屏管完校招，当场答疑", "Campus recruiting live: one screen, questions answered")
NEXT: Final = ("秋招专场第二场：限量直播价", "Campus recruiting live, part two: fifty places at a live price")


def seed_live(
    db: Database, organizations: Mapping[str, UUID], videos: Mapping[str, UUID], plans: Mapping[str, UUID]
) -> None:
    """Hold the one and announce the other. The host has sessions already: nothing changes."""
    host = transact(db, SYSTEM, lambda uow: owner_of(uow, organizations[HOST]))
    known = select(LiveSession.id).where(LiveSession.org_id == host.organization())
    if transact(db, SYSTEM, lambda uow: uow.session.scalar(known.limit(1))) is not None:
        return
    began_at = clock.now() - WAS
    with clock.frozen(began_at - timedelta(hours=1)):
        session_id, items = transact(db, host, lambda uow: _announce(uow, videos, plans, TITLE, began_at))
    with clock.frozen(began_at):
        transact(db, host, lambda uow: start_session(uow, session_id).id)
        transact(db, host, lambda uow: explain_item(uow, session_id, items[0]).id)
    with clock.frozen(began_at + SECOND_AFTER):
        transact(db, host, lambda uow: explain_item(uow, session_id, items[1]).id)
    # It ends with its film, by the clock.
    transact(db, SYSTEM, lambda uow: settle_over(uow, session_id))
    transact(db, host, lambda uow: _ahead(uow, videos, plans))


def _ahead(uow: UnitOfWork, videos: Mapping[str, UUID], plans: Mapping[str, UUID]) -> None:
    at = (clock.now() + AHEAD).replace(hour=12, minute=0, second=0, microsecond=0)
    session_id, items = _announce(uow, videos, plans, NEXT, at)
    set_live_price(uow, SetLivePrice(session_id, items[0], percent_ppm=OFF_PPM, places=PLACES))


def _announce(
    uow: UnitOfWork, videos: Mapping[str, UUID], plans: Mapping[str, UUID], title: tuple[str, str], at: datetime
) -> tuple[UUID, list[UUID]]:
    session = schedule_session(uow, SaveLiveSession(videos[FILM], title[0], at, title[1]))
    return session.id, [add_item(uow, session.id, plans[scene]).id for scene in SHELF]
