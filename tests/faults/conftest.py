"""Fixtures of all fault tests, and their time: each starts, kills and starts again a handful of real processes."""

from pathlib import Path

import pytest

from tests.faults.machines import bell, machine, postgres, start_script

__all__ = ["bell", "machine", "postgres", "start_script"]

TIMEOUT_S = 600
"""For one test and its fixtures on a machine that does other things as well. No promise is measured by it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies in this folder; the hook is given the items of the whole session."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.faults)
            item.add_marker(pytest.mark.timeout(TIMEOUT_S))
