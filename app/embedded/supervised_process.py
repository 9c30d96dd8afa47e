"""One supervised child process: how it is started, when it is ready, when it is started again after a death."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from app.embedded.child_process import ChildProcess, end_child, end_left_over, kill_group, start_child
from app.embedded.forked_child import CAN_FORK, ForkedChild

MARK = "MARKET_SUPERVISED_IN"
"""Environment variable that every child carries, with its data folder: by it, what is left over is recognised."""

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
LONGEST_PAUSE_AFTER_SIGNAL_S = 2.0
"""Whoever was killed did not fail by itself, and has no reason to fail again."""
STEADY_AFTER_S = 60.0
"""A child that lived this long is taken for healthy: its next death pauses briefly again."""


@dataclass(frozen=True)
class ProcessSpec:
    """What to run. `is_ready` answers whether it serves; None means that being alive is all one can ask.

    `is_loaded`: the arguments are `-m MODULE …`, and this process has loaded what that module needs. Where it can fork,
    the child begins as its copy.

    `once`: it is started when the others are ready, and runs to its end; only a failure has it started again. What it
    has to tell meanwhile, in English and Chinese, `news` answers.
    """

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    is_ready: Callable[[], bool] | None = None
    hidden: frozenset[str] = frozenset()
    is_loaded: bool = False
    once: bool = False
    news: Callable[[], tuple[str, str] | None] | None = None

    def environment_in(self, home: Path) -> dict[str, str]:
        """The child's whole environment: this process's and its own, less what it must not know."""
        whole = {**os.environ, **self.environment, MARK: str(home), "PYTHONUNBUFFERED": "1"}
        return {name: value for name, value in whole.items() if name not in self.hidden}

    def command(self) -> list[str]:
        """The command line, with this program's own Python."""
        return [sys.executable, *self.arguments]

    def start(self, log: Path, home: Path) -> ChildProcess:
        """Start it; it dies with this process."""
        environment = self.environment_in(home)
        if self.is_loaded and CAN_FORK:
            return ForkedChild(self.command(), log=log, environment=environment)
        return start_child(self.command(), log=log, folder=Path.cwd(), environment=environment)


@dataclass
class SupervisedProcess:
    """A spec with its current process. All methods belong to the main thread."""

    spec: ProcessSpec
    log: Path
    home: Path
    _process: ChildProcess | None = field(default=None, init=False)
    _started_s: float = field(default=0.0, init=False)
    _pause_s: float = field(default=FIRST_PAUSE_S, init=False)
    _again_s: float | None = field(default=None, init=False)

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        """How the last process ended; negative for a signal."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start the process; it dies with this one."""
        self._process = self.spec.start(self.log, self.home)
        self._started_s = time.monotonic()
        self._again_s = None

    def is_ready(self) -> bool:
        """Whether it runs and serves."""
        return self.pid is not None and (self.spec.is_ready is None or self.spec.is_ready())

    def watch(self) -> str | None:
        """Call regularly: starts the process again after a death, with growing pauses. Answers what happened, if so."""
        if self._process is None or self.pid is not None or (self.spec.once and self.exit_code == 0):
            return None
        now_s = time.monotonic()
        if self._again_s is None:
            kill_group(self._process.pid)  # what the dead one had started itself
            if now_s - self._started_s >= STEADY_AFTER_S:
                self._pause_s = FIRST_PAUSE_S
            longest_s = LONGEST_PAUSE_AFTER_SIGNAL_S if (self.exit_code or 0) < 0 else LONGEST_PAUSE_S
            self._pause_s = min(self._pause_s, longest_s)
            self._again_s = now_s + self._pause_s
            self._pause_s = min(self._pause_s * 2, longest_s)
            return "died"
        if now_s >= self._again_s:
            self.start()
            return "restarted"
        return None

    def restarts_in_s(self) -> float | None:
        """Seconds until a dead process is started again; None while it runs."""
        return None if self._again_s is None else self._again_s - time.monotonic()

    def stop(self, grace_s: float) -> bool:
        """End it, letting it finish what it does for `grace_s`; answers whether it ended by itself."""
        if self._process is None:
            return True
        process, self._process = self._process, None
        alone = end_child(process, [(signal.SIGTERM, grace_s)])
        kill_group(process.pid)
        return alone


def run_once(spec: ProcessSpec, log: Path, home: Path, timeout_s: float, give_up: Callable[[], bool]) -> int:
    """Run a child to its end, or until `give_up` says so, and answer its exit code; non-zero when given up.

    Raises subprocess.TimeoutExpired after ending it.
    """
    process = spec.start(log, home)
    deadline = time.monotonic() + timeout_s
    try:
        while (code := process.poll()) is None and not give_up():
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(spec.command(), timeout_s)
            time.sleep(0.03)
        return code if code is not None else -signal.SIGTERM
    finally:
        end_child(process, [(signal.SIGTERM, 1.0)])


def end_left_over_children(home: Path) -> int:
    """End every process that a previous run over `home` left behind; answers how many there were.

    The caller must hold the folder's lock, so that no living run owns them.
    """
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid not in own and process.environ().get(MARK) == str(home):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    end_left_over(found, [(signal.SIGTERM, 3.0)])
    return len(found)


def accepts_connections(host: str, port: int) -> bool:
    """Whether something listens on the address."""
    try:
        with socket.create_connection((host, port), timeout=1.0):
            return True
    except OSError:
        return False


def find_listener(port: int) -> str | None:
    """Name and pid of the process that listens on a TCP port, None when unknown."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:  # macOS shows others' connections to root only
        return None
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
            try:
                name = psutil.Process(connection.pid).name() if connection.pid else "?"
            except psutil.NoSuchProcess:
                return None
            return f"{name}, pid {connection.pid}"
    return None
