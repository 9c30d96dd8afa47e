"""Which process counts for what, and what was spent between two moments."""

from __future__ import annotations

import os

import psutil
import pytest

from bench.processor_time import Usage, memory_mib, role_of, spent, usage

PYTHON = "/opt/render/bin/python"


@pytest.mark.parametrize(
    ("command", "role"),
    [
        ([PYTHON, "-m", "app.cli", "serve"], "api"),
        ([PYTHON, "-m", "app.cli", "worker", "--scheduler"], "worker"),
        ([PYTHON, "-m", "app.cli", "worker", "--queue", "documents"], "documents"),
        ([PYTHON, "-m", "billing.documents.render_process"], "documents"),
        ([PYTHON, "-m", "app.cli", "scheduler"], "scheduler"),
        ([PYTHON, "-m", "seller_app"], "seller"),
        ([PYTHON, "/srv/render/bin/market", "up"], "up"),
        (["/opt/pg/bin/postgres", "-D", "/srv/worker/data"], "postgres"),
        (["postgres: market_app market [local] idle"], "postgres"),
        (["/opt/valkey-server unixsocket:/tmp/valkey.sock"], "valkey"),
        ([PYTHON, "-m", "app.cli", "seed"], "other"),
        ([], "other"),
    ],
)
def test_role_of_a_process(command: list[str], role: str) -> None:
    assert role_of(command) == role


def test_spent_between_two_moments() -> None:
    before = Usage(100.0, {"api": 5.0, "documents": 1.0}, client_s=1.0, machine_s=50.0)
    after = Usage(110.0, {"api": 7.0, "documents": 4.0, "postgres": 1.0}, client_s=1.5, machine_s=59.0)
    assert spent(before, after, units=100) == {
        "cores": {"api": 0.2, "documents": 0.3, "postgres": 0.1},
        "client_cores": 0.05,
        "other_cores": 0.25,
        "cpu_ms_per_unit": {"api": 20.0, "documents": 30.0, "postgres": 10.0},
        "cpu_ms_per_unit_path": 30.0,
    }


def test_clock_ticks_never_make_others_work_negative() -> None:
    before = Usage(0.0, {"api": 0.0}, client_s=0.0, machine_s=0.0)
    assert spent(before, Usage(1.0, {"api": 0.51}, client_s=0.0, machine_s=0.5))["other_cores"] == 0.0


def test_this_process_has_memory_and_processor_time() -> None:
    own = psutil.Process(os.getpid())
    assert memory_mib(own)["total"]["rss"] > 1
    assert sum(usage(own).cpu_s.values()) > 0
