"""Billing composed on the test database, under a frozen clock."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from kernel.db.uow import Database
from tests.factories_billing import House, make_house


@pytest.fixture
def house(db: Database, tmp_path: Path, noon: datetime) -> House:
    """The sandbox gateway, the jobs and a folder for files; whatever other tests left due is run off first."""
    made = make_house(db, tmp_path)
    made.run()
    return made
