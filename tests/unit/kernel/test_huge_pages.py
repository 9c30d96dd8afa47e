"""Gathering memory into large pages is invisible but for speed."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from kernel import huge_pages

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux gathers pages on request")

PROGRAM = """
import threading
from kernel import huge_pages
held = {number: str(number) * 40 for number in range(200_000)}
stop, seen = threading.Event(), []
def work():
    while not stop.is_set():
        seen.append(sum(len(held[number]) for number in range(0, 200_000, 997)))
threads = [threading.Thread(target=work) for _ in range(2)]
for one in threads: one.start()
print(huge_pages.gather())
stop.set()
for one in threads: one.join()
assert len(set(seen)) == 1
assert all(held[number] == str(number) * 40 for number in range(200_000))
"""


@LINUX
def test_what_a_process_holds_stays_what_it_was_while_it_works() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True, timeout=60)
    # On a kernel that cannot, none.
    assert int(done.stdout) >= 0


@LINUX
@pytest.mark.parametrize(("used_s", "gathers"), [((0.0, 1.0, 2.9, 5.0), True), ((0.0, 1.0, 1.5, 3.4), False)])
def test_only_a_busy_process_gathers(
    monkeypatch: pytest.MonkeyPatch, used_s: tuple[float, ...], *, gathers: bool
) -> None:
    class Over(Exception):
        """No more looks."""

    times, gathered = iter(used_s), []

    def process_time() -> float:
        try:
            return next(times)
        except StopIteration:
            raise Over from None

    def gather() -> int:
        gathered.append(1)
        return 1

    monkeypatch.setattr(time, "process_time", process_time)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(huge_pages, "gather", gather)
    if gathers:
        huge_pages._watch()
    else:
        with pytest.raises(Over):
            huge_pages._watch()
    assert bool(gathered) is gathers
