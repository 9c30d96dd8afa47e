"""`market rebuild-rollups`: what is counted by day, counted again from its facts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sqlalchemy import text

from app.console import choose, console
from app.embedded.engines import running_engines
from kernel.db.uow import Database, UnitOfWork, transact
from kernel.principal import SYSTEM
from marketplace.attribution import count_touchpoints
from orders.analytics import count_sales


def run() -> int:
    """Count anew; a sweep that comes meanwhile waits, or tries again in a minute."""
    with running_engines() as settings:
        if settings.database_url is None:
            raise ValueError("the engines must be resolved before anything is counted")
        db = Database(settings.database_url, pool_size=2)
        try:
            recount_all(db)
        finally:
            db.dispose()
    console.print(choose("Touchpoints and sales by day were counted anew.", "已重新按日汇总触点与销售。"))
    return 0


def recount_all(db: Database) -> None:
    """Both rollups, each whole in one transaction."""
    for recount in (count_touchpoints.recount, count_sales.recount):
        transact(db, SYSTEM, partial(_without_limit, recount=recount))


def _without_limit(uow: UnitOfWork, recount: Callable[[UnitOfWork], None]) -> None:
    # All there is takes longer than what somebody waits for may.
    uow.session.execute(text("SET LOCAL statement_timeout = 0"))
    recount(uow)
