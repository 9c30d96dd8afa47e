"""What the crash run calls lost or doubled."""

from __future__ import annotations

from bench.crash import missed
from bench.crash_buyer import Placed

FIRST, SECOND = Placed("crash-1", "p1", "o1"), Placed("crash-2", "p2", "o2")


def test_what_was_acknowledged_and_is_there_once_is_no_finding() -> None:
    assert list(missed([FIRST, SECOND], {"crash-1": (1, "p1"), "crash-2": (1, "p2"), "crash-3": (1, "p3")})) == []


def test_what_is_lost_doubled_or_another_is_named() -> None:
    assert [found.split()[1] for found in missed([FIRST], {})] == ["p1"]
    assert [found.split()[1] for found in missed([FIRST], {"crash-1": (1, "p9")})] == ["p1"]
    assert len(list(missed([FIRST], {"crash-1": (2, "p1")}))) == 2
    assert list(missed([], {"crash-3": (2, "p3")})) == ["crash-3: 2 purchases"]
