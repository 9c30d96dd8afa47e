"""Jobs of discovery, registered once by the composition."""

from __future__ import annotations

from datetime import timedelta

from kernel.db.uow import Transact
from kernel.jobs.kinds import sweep
from marketplace.discovery.index_anew import index_anew

INDEX_ANEW = "marketplace.search.index_anew"


def register() -> None:
    """Let the scheduler index anew what an earlier release indexed, or published before there was an index."""

    @sweep(INDEX_ANEW, every=timedelta(minutes=10))
    def index(transact: Transact) -> None:
        while transact(index_anew):
            pass
