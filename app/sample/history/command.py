"""The process that makes a sample market's past: it lives through it, then draws its documents, then ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import psutil
import structlog

from api.context import Services
from app.composition import compose
from app.database_schema import gather_statistics
from app.sample.history.live import APART, Past
from billing.invoices.number_document import RENDER
from kernel import clock
from kernel.db.uow import transact
from kernel.jobs.hand_over import hand_over, left_apart, take_up
from kernel.jobs.kinds import kind_of, work_apart
from kernel.logs import configure_logs
from kernel.principal import SYSTEM
from kernel.sandbox_history import SILENT_AFTER_S
from kernel.settings import Settings

BUSY_PERCENT = 60.0
"""Of all cores, by programs that are not niced: above it the past waits. What its own statements cost is far below."""
PATIENCE_S = 300.0
log = structlog.get_logger(__name__)


def run(settings: Settings, tell: Callable[[int, int | None], None]) -> None:
    """Go on from wherever it stands; nothing is left to do in a market that has its past, or has none.

    `tell` is told the share done in percent and, once the past is lived, how many documents are still to be drawn.
    """
    configure_logs(settings.log_format, settings.log_level, process="history")
    # An endpoint that failed rests by the time that passes here.
    services = compose(settings, monotonic=lambda: clock.now().timestamp())
    services.db.notify = None
    documents = kind_of(RENDER).queue
    work_apart(APART)
    services.runner.start()
    try:
        begun_s = time.monotonic()
        seller_url = f"http://127.0.0.1:{settings.sample_seller_port}"
        let_others_first = LetOthersFirst()
        scenes = settings.market_home / "scenes"
        Past(services, scenes, seller_url, lambda percent: tell(percent, None), let_others_first).live()
        log.info("history_lived", seconds=round(time.monotonic() - begun_s, 1))
        if settings.database_admin_url:
            gather_statistics(settings.database_admin_url)
        _draw(services, documents, partial(tell, 100), let_others_first)
        log.info("history_drawn", seconds=round(time.monotonic() - begun_s, 1))
    finally:
        services.runner.stop()
        services.db.dispose()


class LetOthersFirst:
    """Waits while those who use the market, or anything else, keep most of the machine busy; this process is niced.

    Not for ever: `PATIENCE_S` in all, after which it goes on beside them.
    """

    def __init__(self) -> None:
        self._patience_s = PATIENCE_S
        psutil.cpu_times_percent()  # what it tells is since the last call

    def __call__(self) -> None:
        """Return at once, or when there is room: within half the time after which its maker counts as gone."""
        end_s = time.monotonic() + min(self._patience_s, SILENT_AFTER_S / 2)
        while time.monotonic() < end_s:
            since = psutil.cpu_times_percent()
            if since.user + since.system < BUSY_PERCENT:
                return
            time.sleep(1.0)
            self._patience_s -= 1.0


def _draw(services: Services, queue: str, tell: Callable[[int], None], let_others_first: Callable[[], None]) -> None:
    """Draw the past's documents here, the newest first: no document of the present waits behind them.

    What cannot be drawn is left to the renderers, who try again as long as is theirs.
    """
    left = transact(services.db, SYSTEM, lambda uow: left_apart(uow, APART, queue))
    tell(len(left))
    for job_id in left:
        let_others_first()
        transact(services.db, SYSTEM, partial(take_up, job_id=job_id))
        services.runner.run(job_id)
    transact(services.db, SYSTEM, lambda uow: hand_over(uow, APART))
    tell(0)
