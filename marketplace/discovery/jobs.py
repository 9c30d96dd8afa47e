"""Jobs of discovery, registered once by the composition."""

from __future__ import annotations

from datetime import timedelta

from kernel.db.uow import Transact
from kernel.jobs.kinds import sweep
from marketplace.discovery.index_missing import index_missing

INDEX_MISSING = "marketplace.search.index_missing"


def register() -> None:
    """Let the scheduler index what an earlier release published."""

    @sweep(INDEX_MISSING, every=timedelta(minutes=10))
    def index(transact: Transact) -> None:
        while transact(index_missing):
            pass
