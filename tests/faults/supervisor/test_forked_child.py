"""Children forked from what is loaded: processes of their own all the same, and none outlives its parent."""

import signal
import time
from collections.abc import Callable

import psutil
import pytest

from app.embedded.folder_lock import FolderLock
from app.embedded.forked_child import CAN_FORK
from tests.faults.machines import PATIENCE_S, Machine, Script

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="children are forked on Linux only")

PARENT = """
import os, signal, sys
from pathlib import Path
from app.embedded.child_process import end_child
from app.embedded.folder_lock import FolderLock
from app.embedded.forked_child import ForkedChild
home = Path(sys.argv[1])
signal.signal(signal.SIGTERM, lambda *_: print("the parent's own"))
os.environ["HIDDEN"] = "of the parent"
with FolderLock(home):
    command = [sys.executable, "-m", "tests.faults.supervisor.forked_work", *sys.argv[2:]]
    child = ForkedChild(command, log=home / "child.log", environment={"TOLD": "yes"})
    print(child.pid, flush=True)
    for line in sys.stdin:
        end_child(child, [(signal.SIGTERM, 60.0)])
        print(child.poll(), flush=True)
"""


def wait_for_log(machine: Machine, lines: int) -> list[str]:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        log = machine.home / "child.log"
        if log.exists() and len(found := log.read_text().splitlines()) >= lines:
            return found
        time.sleep(0.02)
    raise AssertionError("the child said nothing")


def ask(script: Script) -> str:
    assert script.process.stdin is not None
    script.process.stdin.write("end\n")
    script.process.stdin.flush()
    return script.read_line()


def test_it_is_as_one_that_was_started_anew(machine: Machine, start_script: Callable[..., Script]) -> None:
    script = start_script(PARENT, str(machine.home), "serve")
    child = psutil.Process(int(script.read_line()))
    assert wait_for_log(machine, 2) == ["['serve'] yes None True", "True True"]
    assert " serve" in " ".join(child.cmdline())  # and is found under its own name
    assert ask(script) == str(-signal.SIGTERM)


def test_its_exit_code_arrives(machine: Machine, start_script: Callable[..., Script]) -> None:
    script = start_script(PARENT, str(machine.home), "fail")
    child = psutil.Process(int(script.read_line()))
    wait_for_log(machine, 2)
    deadline = time.monotonic() + PATIENCE_S
    while child.status() != psutil.STATUS_ZOMBIE:  # or it would be told to stop before it has failed
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert ask(script) == "3"


def test_it_dies_with_its_parent_and_holds_no_folder(machine: Machine, start_script: Callable[..., Script]) -> None:
    script = start_script(PARENT, str(machine.home), "serve")
    child = psutil.Process(int(script.read_line()))
    wait_for_log(machine, 2)
    script.kill()
    with FolderLock(machine.home):
        pass
    psutil.wait_procs([child], timeout=PATIENCE_S)
    assert not child.is_running()
