"""How child processes are started so that none outlives its parent, and left-over ones are found and ended.

On Linux every child asks the kernel for a signal at its parent's death (`PR_SET_PDEATHSIG`, prctl(2)), which holds even
when the parent is killed with -9. Elsewhere the next start finds what was left over and ends it.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

import psutil

_PR_SET_PDEATHSIG = 1
_PRCTL = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None
"""Looked up here: in a fresh child that would wait for the loader's lock, which another thread may have held at the fork."""


@dataclass(frozen=True)
class SystemUser:
    """The user and group of the operating system as which a server process runs."""

    name: str
    uid: int
    gid: int


class ChildProcess(Protocol):
    """A child of this process, started as a program (`subprocess.Popen`) or forked (`ForkedChild`)."""

    pid: int

    def poll(self) -> int | None:
        """How it ended, negative for a signal; None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired."""

    def send_signal(self, sig: int) -> None:
        """Send a signal, unless it has ended."""


def tie_to_parent(death_signal: signal.Signals, parent_pid: int) -> Callable[[], None]:
    """A function for a fresh child: have the kernel send `death_signal` to it when `parent_pid` dies.

    The kernel watches the parent's *thread* that started the child, so only a thread that lives as long as the
    process, the main thread in practice, may start children this way.
    """

    def arrange() -> None:
        if _PRCTL is None:
            return
        _PRCTL(_PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != parent_pid:  # the parent died before the request reached the kernel
            os._exit(1)

    return arrange


def start_child(
    command: Sequence[str],
    *,
    log: Path,
    folder: Path,
    environment: Mapping[str, str],
    death_signal: signal.Signals = signal.SIGKILL,
    user: SystemUser | None = None,
    input_file: IO[bytes] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in its own process group, tied to this process, with its output appended to `log`.

    Its own group keeps a Ctrl-C in the terminal from reaching it: the parent ends its children in order.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(  # the command line is ours, never a visitor's
            list(command),
            stdin=input_file or subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=dict(environment),
            process_group=0,
            preexec_fn=tie_to_parent(death_signal, os.getpid()),  # noqa: PLW1509  # runs two system calls only
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
        )


def end_child(process: ChildProcess, signals: Iterable[tuple[signal.Signals, float]]) -> bool:
    """Send each signal in turn, waiting its seconds, until the child has ended, then kill it.

    Returns whether the child ended by itself, without SIGKILL.
    """
    for number, wait_s in signals:
        if process.poll() is not None:
            return True
        process.send_signal(number)
        try:
            process.wait(wait_s)
        except subprocess.TimeoutExpired:
            continue
        return True
    if process.poll() is not None:
        return True
    kill_group(process.pid)
    process.wait()
    return False


def kill_group(leader_pid: int) -> None:
    """SIGKILL to the process group that `leader_pid` leads; nothing happens when it is gone."""
    try:
        os.killpg(leader_pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def find_processes_in(folder: Path, names: frozenset[str]) -> list[psutil.Process]:
    """Processes called one of `names` whose working directory is `folder`: servers that run on that data.

    Both servers change into their data folder at start, so this finds them without trusting a pid file, whose number
    may belong to somebody else's process by now.
    """
    wanted = str(folder.resolve())
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() in names and process.cwd() == wanted and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def end_left_over(processes: Sequence[psutil.Process], signals: Iterable[tuple[signal.Signals, float]]) -> None:
    """End processes of a previous run: each signal in turn, then SIGKILL; returns when all are gone."""
    alive = list(processes)
    for number, wait_s in [*signals, (signal.SIGKILL, 5.0)]:
        for process in alive:
            try:
                process.send_signal(number)
            except psutil.NoSuchProcess:
                continue
        _, alive = psutil.wait_procs(alive, timeout=wait_s)
        if not alive:
            return


def read_log_end(log: Path, lines: int = 15) -> str:
    """The last lines of a log, for an error message; empty when there is none."""
    try:
        text = log.read_text(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
