"""The supervisor behind `market up`: kills, restarts, orderly ends; never a process left."""

import os
import signal
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from app.embedded.supervised_process import ProcessSpec, SupervisedProcess
from tests.faults.machines import PATIENCE_S, Machine, Script

RUN = "import sys, runpy; runpy.run_path('tests/faults/supervisor/small_market.py', run_name='__main__')"


@pytest.fixture
def port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def read_until(script: Script, word: str) -> list[str]:
    lines: list[str] = []
    while not lines or word not in lines[-1]:
        line = script.read_line()
        assert line or script.process.poll() is None, lines
        lines.append(line)
    return lines


def find(machine: Machine, word: str) -> psutil.Process:
    """The process of this folder with `word` in its command line; children are known by their mark."""
    for process in psutil.process_iter():
        try:
            marked = process.environ().get("MARKET_SUPERVISED_IN") == str(machine.home)
            if (marked or process.cwd().startswith(str(machine.home))) and word in " ".join(process.cmdline()):
                return process
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    raise AssertionError(f"no process with {word}")


def marked(machine: Machine) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("MARKET_SUPERVISED_IN") == str(machine.home):
                found.append(process.pid)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_asked_to_stop_it_leaves_nothing(
    machine: Machine, port: int, start_script: Callable[..., Script], number: signal.Signals
) -> None:
    script = start_script(RUN, str(machine.home), str(port))
    assert "Preparing" in read_until(script, "ready")
    assert len(marked(machine)) == 4  # three children, one of a child's own
    script.process.send_signal(number)
    lines = read_until(script, "finished")
    assert any("stubborn did not finish in time" in line for line in lines)
    assert script.process.wait(PATIENCE_S) == 0
    assert marked(machine) == []
    assert machine.wait_until_empty() == []


def test_nobody_else_may_read_what_it_keeps(machine: Machine, port: int, start_script: Callable[..., Script]) -> None:
    old = machine.home / "logs" / "old.log"
    old.parent.mkdir(parents=True)
    old.write_text("who bought what")
    for path, mode in ((machine.home, 0o755), (old.parent, 0o755), (old, 0o644)):
        path.chmod(mode)
    script = start_script(RUN, str(machine.home), str(port))
    read_until(script, "ready")
    for path in (machine.home, *machine.home.rglob("*")):
        mode = path.lstat().st_mode
        if not (stat.S_ISLNK(mode) or stat.S_ISSOCK(mode)):
            # Passing through a folder, without listing it, is what the servers' own user needs.
            allowed = stat.S_IXGRP | stat.S_IXOTH if stat.S_ISDIR(mode) else 0
            assert not stat.S_IMODE(mode) & 0o077 & ~allowed, (path, oct(mode))


@pytest.mark.parametrize(
    ("deaths", "ends", "longest_s"), [(6, "os.kill(os.getpid(), 9)", 2.0), (6, "sys.exit(1)", 30.0)]
)
def test_one_that_was_killed_pauses_briefly_however_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deaths: int, ends: str, longest_s: float
) -> None:
    spec = ProcessSpec("dying", ("-c", f"import os, sys; {ends}"))
    child = SupervisedProcess(spec, tmp_path / "dying.log", tmp_path)
    pauses = []
    for _ in range(deaths):
        child.start()
        until = time.monotonic() + PATIENCE_S
        while child.watch() != "died":
            assert time.monotonic() < until
            time.sleep(0.01)
        pauses.append(child.restarts_in_s() or 0.0)
    assert max(pauses) <= longest_s
    assert (max(pauses) > 2.0) is (longest_s > 2.0)


def test_what_dies_runs_again(machine: Machine, port: int, start_script: Callable[..., Script]) -> None:
    script = start_script(RUN, str(machine.home), str(port))
    read_until(script, "ready")
    log = (machine.home / "logs" / "prepare.log").read_text()
    assert "market_app" in log
    find(machine, "http.server").kill()
    read_until(script, "api ended (-9)")
    for engine in ("valkey-server", "postgres"):
        find(machine, engine).kill()
    read_until(script, "had ended and runs again")
    read_until(script, "had ended and runs again")
    script.process.send_signal(signal.SIGTERM)
    read_until(script, "finished")
    assert machine.wait_until_empty() == []


def test_killed_itself_it_takes_all_along_and_the_next_run_clears_the_rest(
    machine: Machine, port: int, start_script: Callable[..., Script]
) -> None:
    script = start_script(RUN, str(machine.home), str(port))
    read_until(script, "ready")
    script.kill()
    again = start_script(RUN, str(machine.home), str(port))
    read_until(again, "ready")
    assert len(marked(machine)) == 4  # the grandchild that no signal reached is gone too
    again.process.send_signal(signal.SIGTERM)
    read_until(again, "finished")
    assert marked(machine) == []
    assert machine.wait_until_empty() == []


def test_failed_step_stops_everything_and_shows_its_log(
    machine: Machine, port: int, start_script: Callable[..., Script]
) -> None:
    script = start_script(RUN, str(machine.home), str(port), "raise SystemExit('no such table')")
    told = "\n".join(read_until(script, "finished"))
    assert "failed: prepare did not start" in told
    assert "no such table" in told
    assert script.process.wait(PATIENCE_S) == 0
    assert marked(machine) == []
    assert machine.wait_until_empty() == []


def test_stopped_while_preparing(machine: Machine, port: int, start_script: Callable[..., Script]) -> None:
    script = start_script(RUN, str(machine.home), str(port), "import time; time.sleep(600)")
    read_until(script, "Preparing")
    script.process.send_signal(signal.SIGINT)
    assert "stopped early" in read_until(script, "finished")
    assert marked(machine) == []
    assert machine.wait_until_empty() == []


def test_taken_port_names_its_holder(machine: Machine, start_script: Callable[..., Script]) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        taken = listener.getsockname()[1]
        script = start_script(RUN, str(machine.home), str(taken))
        told = "\n".join(read_until(script, "finished"))
    assert f"Port {taken} is taken" in told
    assert f"pid {os.getpid()}" in told
    assert f"PORT={taken + 1}" in told
    assert machine.wait_until_empty() == []


def test_what_runs_once_is_started_again_after_a_failure_only(tmp_path: Path) -> None:
    home = tmp_path / "home"
    once = (
        "import pathlib, sys; found = pathlib.Path('tried'); sys.exit(0 if found.exists() else (found.touch(), 3)[1])"
    )
    child = SupervisedProcess(
        ProcessSpec("once", ("-c", f"import os; os.chdir({str(tmp_path)!r}); {once}"), once=True),
        tmp_path / "log",
        home,
    )
    child.start()
    seen: list[str] = []
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and child.exit_code != 0:
        seen += [event] if (event := child.watch()) else []
        time.sleep(0.05)
    assert seen == ["died", "restarted"]
    assert child.exit_code == 0
    assert (child.watch(), child.restarts_in_s()) == (None, None)
    assert child.stop(1.0)
