"""Two linters of others find nothing in the contract."""

from __future__ import annotations

import json

import pytest

from app.commands.openapi import DOCUMENT
from tests.contract_tools import TOOLS, needs_tools, run

pytestmark = [pytest.mark.conformance, pytest.mark.slow, needs_tools]


def test_redocly_finds_nothing() -> None:
    found = run("redocly", "lint", "--config", str(TOOLS / "redocly.yaml"), "--format", "json", str(DOCUMENT))
    report = json.loads(found[found.index("{") : found.rindex("}") + 1])
    assert report["totals"]["errors"] == report["totals"]["warnings"] == 0, report["problems"]


def test_spectral_finds_nothing() -> None:
    run("spectral", "lint", "--ruleset", str(TOOLS / ".spectral.yaml"), "--fail-severity", "hint", str(DOCUMENT))
