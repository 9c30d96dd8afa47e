"""Children that begin as a copy of this process: what it has loaded they need not load again, and they share its memory.

Only for a process with a single thread, whose locks nobody else can hold, and only on Linux: elsewhere system libraries do
not survive a fork without exec.
"""

import gc
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO, cast

from app.embedded.child_process import tie_to_parent

CAN_FORK = sys.platform == "linux"
_OWN_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
"""What a supervisor handles, and its children must not."""


class ForkedChild:
    """A forked child, ended and asked after like a `subprocess.Popen`."""

    def __init__(self, command: Sequence[str], *, log: Path, environment: Mapping[str, str]) -> None:
        """Run `command`, `python -m MODULE …`, in a copy of this process.

        As with `start_child`: in its own process group, tied to this process, with its output appended to `log`; call
        from the main thread.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        self._command = list(command)
        # What is here now stays: set aside, so that no collection in a child writes to pages which all share.
        gc.freeze()
        arguments = (self._command, log, dict(environment), os.getpid())
        self._process = multiprocessing.get_context("fork").Process(target=_become, args=arguments)
        self._process.start()
        self.pid = cast("int", self._process.pid)
        with suppress(OSError):  # here as well as in the child: a group that is asked for must be there
            os.setpgid(self.pid, self.pid)

    def poll(self) -> int | None:
        """How it ended, negative for a signal; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(self._command, timeout or 0.0)
        return code

    def send_signal(self, sig: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, sig)


def _become(command: Sequence[str], log: Path, environment: Mapping[str, str], parent_pid: int) -> None:
    """Be a process of its own, as one that was started anew would be."""
    import setproctitle

    signal.set_wakeup_fd(-1)
    for number in _OWN_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with suppress(OSError):
        os.setpgid(0, 0)
    tie_to_parent(signal.SIGKILL, parent_pid)()
    with log.open("ab") as output, Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    for stream in (sys.stdout, sys.stderr):
        cast("TextIO", stream).reconfigure(line_buffering=True, write_through=True)  # type: ignore[attr-defined]
    # Before the environment changes: it lies behind the command line, which is found from there.
    setproctitle.setproctitle(" ".join(command))
    os.environ.clear()
    os.environ.update(environment)
    gc.enable()
    _python, _flag, module, *sys.argv[1:] = command
    sys.modules.pop(module, None)  # run as the main module, not as the one that this process may have imported
    runpy.run_module(module, run_name="__main__", alter_sys=True)
