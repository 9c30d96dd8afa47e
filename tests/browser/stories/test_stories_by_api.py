"""The same stories over the API, by the example that readers are given. Needs no browser."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.conftest import Product
from tests.browser.stories.conftest import OPERATOR
from tests.browser.stories.people import PASSWORD

SCRIPT = Path(__file__).resolve().parents[3] / "examples" / "six_stories" / "six_stories.py"
STORIES = ["seller", "buyer", "finance", "promoter", "customer", "operator", "operator"]


@pytest.mark.timeout(600)
def test_six_stories_over_the_api(market: Product, film: Path) -> None:
    given = ["--market", market.address, "--seller", market.seller, "--operator", OPERATOR, "--film", str(film)]
    told = subprocess.run(
        [sys.executable, SCRIPT, *given],
        env=os.environ | {"OPERATOR_PASSWORD": PASSWORD},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert [line.split()[0] for line in told.stdout.splitlines()] == STORIES
