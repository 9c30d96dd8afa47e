"""What every race begins with."""

from __future__ import annotations

import pytest

from kernel.db.uow import Database, unit_of_work
from kernel.principal import SYSTEM


@pytest.fixture(autouse=True)
def nothing_due(db: Database) -> None:
    """Without the work of the race before it: hundreds of rounds leave thousands of jobs, and a test drains what is due."""
    with unit_of_work(db, SYSTEM) as uow:
        uow.cursor.execute("DELETE FROM kernel.job")
