"""What a bench prints: percentiles by the nearest rank, a report in the reader's language, nested figures indented."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import __main__ as command
from bench.options import Options
from bench.report import Method, Report, as_lines, in_ms, percentile

REPORT = Report(
    name="feed",
    value=12.345,
    unit="pages/s",
    method=Method("How it was done.", "测试方法。"),
    ratio=0.41234,
    ratio_of="pages/s : constant JSON/s",
    calibration={"constant_json_per_s": 1000.0},
    details={"anonymous": {"latency": {"p50_ms": 1.5, "count": 3}, "rate": 9}, "drawing": "paused"},
)


def test_percentile_of_a_hundred_values() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert [percentile(values, share) for share in (0.0, 0.5, 0.99, 1.0)] == [1, 51, 100, 100]


@given(st.lists(st.floats(0, 1000), min_size=1), st.floats(0, 1))
def test_a_percentile_is_a_measured_value_with_its_share_below_it(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)


def test_nothing_measured_is_an_error_and_no_figure() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        percentile([], 0.5)


def test_durations_are_told_in_milliseconds() -> None:
    assert in_ms([0.001, 0.002, 0.003]) == {"count": 3, "p50_ms": 2.0, "p99_ms": 3.0}


def test_report_for_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    assert list(as_lines(REPORT)) == [
        "How it was done.",
        "  anonymous:",
        "    latency: p50_ms 1.5, count 3",
        "    rate: 9",
        "  drawing: paused",
        "  calibration constant_json_per_s: 1000.0",
        "feed: 12.35 pages/s   ratio 0.4123 (pages/s : constant JSON/s)",
    ]


def test_report_for_a_chinese_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    lines = list(as_lines(REPORT))
    assert (lines[0], lines[-2]) == ("测试方法。", "  校准 constant_json_per_s：1000.0")


def test_command_prints_one_json_document(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[Options] = []

    def measure(options: Options) -> Report:
        asked.append(options)
        return REPORT

    monkeypatch.setattr("bench.feed.measure", measure)
    assert command.main(["feed", "--json", "--port", "8081", "--rows", "7"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(asdict(REPORT)))
    assert asked == [Options(port=8081, rows=7)]


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["feed", "--what"]])
def test_an_unknown_command_line_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == 2
    assert "checkout" in capsys.readouterr().err or arguments == ["feed", "--what"]


@pytest.mark.parametrize("name", command.NAMES)
def test_every_name_is_a_bench_that_says_its_method_in_both_languages(name: str) -> None:
    from importlib import import_module

    module = import_module(f"bench.{name}")
    assert callable(module.measure)
    assert module.METHOD.en.endswith(".")
    assert module.METHOD.zh.endswith("。")
