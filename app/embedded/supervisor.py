"""The supervisor behind `market up`: starts engines and processes, mends what dies, and ends all in order."""

import os
import select
import signal
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Protocol, Self

from app.embedded.child_process import read_log_end
from app.embedded.engine_error import EngineError
from app.embedded.engines import Addresses, Engines, Layout
from app.embedded.supervised_process import (
    ProcessSpec,
    SupervisedProcess,
    accepts_connections,
    end_left_over_children,
    find_listener,
    run_once,
)
from kernel.settings import Settings

READY_TIMEOUT_S = 180.0
STEP_TIMEOUT_S = 600.0
LOOK_EVERY_S = 5.0
"""How often the supervisor looks by itself. Whatever ends tells it at once (SIGCHLD)."""

Tell = Callable[[str, str], None]
"""Shows one line of progress: English, Chinese."""


class StartFailed(Exception):
    """A process of the product did not come up; the message names its log."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en, self.zh = en, zh


class Stopped(Exception):
    """The person asked to stop."""


@dataclass(frozen=True)
class StartStep:
    """A child that runs to its end before the others start."""

    en: str
    zh: str
    spec: ProcessSpec


class StartPlan(Protocol):
    """What a supervisor runs. Children are ended in the reverse of the order in which they are listed."""

    def load(self) -> None:
        """Load the programs of those children that are forked, in a thread, while the engines start."""

    def ports(self) -> Sequence[tuple[str, int, str]]:
        """Host, port and setting of each address that must be free."""

    def steps(self, addresses: Addresses) -> Sequence[StartStep]:
        """What runs to its end first, in order."""

    def children(self, addresses: Addresses) -> Sequence[ProcessSpec]:
        """What then runs for good, and at last what runs once beside it."""


class WakeUp:
    """Lets the main thread sleep until a signal comes, without asking every moment. Belongs to the main thread."""

    def __init__(self) -> None:
        self._ends: tuple[socket.socket, socket.socket] | None = None

    def open(self) -> None:
        """From here on signals that have a handler end a wait."""
        self._ends = socket.socketpair()
        for end in self._ends:
            end.setblocking(False)
        signal.set_wakeup_fd(self._ends[1].fileno(), warn_on_full_buffer=False)

    def wait(self, seconds: float) -> None:
        """Sleep until a signal came since the last wait, at most so long."""
        assert self._ends is not None  # noqa: S101 - opened before
        reader = self._ends[0]
        select.select([reader], [], [], max(seconds, 0.0))
        with suppress(BlockingIOError):
            while reader.recv(4096):
                continue

    def close(self) -> None:
        """Signals go their usual way again; safe to call twice."""
        if self._ends is not None:
            signal.set_wakeup_fd(-1)
            for end in self._ends:
                end.close()
            self._ends = None


class Supervisor:
    """Runs all processes of a plan over one data folder, until it is asked to stop.

    Context: on leaving, whatever the reason, every process is ended in order and none is left. Use it from the main
    thread: it handles SIGINT, SIGTERM and SIGHUP meanwhile.
    """

    def __init__(self, settings: Settings, tell: Tell, plan: StartPlan) -> None:
        self._given = settings
        self._tell = tell
        self._plan = plan
        self._engines = Engines(settings, exclusive=True)
        self._layout = Layout(settings.market_home)
        self._children: list[SupervisedProcess] = []
        self._signals = 0
        self._handlers: dict[signal.Signals, Any] = {}
        self._wake_up = WakeUp()
        self._mend_again_s = 0.0

    def __enter__(self) -> Self:
        """Start everything and return when it is ready. Raises StartFailed, EngineError, FolderInUse, Stopped."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._handlers[number] = signal.signal(number, self._on_signal)
        self._handlers[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        self._wake_up.open()
        self._close_to_others()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _close_to_others(self) -> None:
        """Let nobody else read what this process, or any it starts, puts into the data folder; nor what lies there already.

        The servers' own user may still pass through: `open_way_to` says where.
        """
        os.umask(0o077)
        logs = self._layout.logs
        for path in (self._layout.home, logs, *(logs.iterdir() if logs.is_dir() else ())):
            if path.exists() and path.stat().st_uid == os.geteuid():
                path.chmod(stat.S_IMODE(path.stat().st_mode) & 0o711)

    @property
    def settings(self) -> Settings:
        """The settings with the addresses of the running engines."""
        return self._engines.settings

    def watch(self) -> None:
        """Mend what dies, until asked to stop."""
        while not self._signals:
            self._mend_engines()
            for child in self._children:
                code = child.exit_code
                event = child.watch()
                if child.spec.news is not None and (news := child.spec.news()) is not None:
                    self._tell(*news)
                if event == "died":
                    self._tell(
                        f"{child.spec.name} ended ({code}); starting it again. Log: {child.log}",
                        f"{child.spec.name} 已退出（{code}），正在重新启动。日志：{child.log}",
                    )
            self._wake_up.wait(min([LOOK_EVERY_S, *self._pauses_s()]))

    def stop(self) -> None:
        """End the children in reverse order, each with time to finish what it does, then the engines."""
        while self._children:
            child = self._children.pop()
            grace_s = 0.1 if self._signals > 1 else float(self._given.shutdown_grace_s)
            if not child.stop(grace_s):
                name = child.spec.name
                self._tell(f"{name} did not finish in time and was killed", f"{name} 未能按时结束，已强制终止")
        if self._engines.addresses is not None:
            end_left_over_children(self._given.market_home)
        self._engines.__exit__(None, None, None)
        self._wake_up.close()
        while self._handlers:
            signal.signal(*self._handlers.popitem())

    def _pauses_s(self) -> list[float]:
        """Seconds until what died is started again."""
        pauses_s = [child.restarts_in_s() for child in self._children]
        return [pause_s for pause_s in pauses_s if pause_s is not None]

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1
        if self._signals > 1:
            self._tell("Stopping at once", "立即停止")

    def _start(self) -> None:
        self._tell("Starting PostgreSQL and Valkey", "正在启动 PostgreSQL 与 Valkey")
        loading = threading.Thread(target=self._plan.load, name="load", daemon=True)
        loading.start()
        try:
            addresses = self._engines.__enter__().open_addresses()
        finally:
            loading.join()  # from here on this process has one thread, so that it can fork
        end_left_over_children(self._given.market_home)
        for host, port, setting in self._plan.ports():
            self._require_free(host, port, setting)
        for step in self._plan.steps(addresses):
            self._check_signals()
            self._tell(step.en, step.zh)
            self._run_step(step)
        specs = self._plan.children(addresses)
        lasting = [spec for spec in specs if not spec.once]
        names = ", ".join(spec.name for spec in lasting)
        self._tell(f"Starting {names}", f"正在启动 {names}")
        self._start_children(lasting)
        self._wait_until_ready()
        self._start_children([spec for spec in specs if spec.once])

    def _start_children(self, specs: Sequence[ProcessSpec]) -> None:
        for spec in specs:
            self._check_signals()
            child = SupervisedProcess(spec, self._layout.logs / f"{spec.name}.log", self._given.market_home)
            self._children.append(child)
            child.start()

    def _require_free(self, host: str, port: int, setting: str) -> None:
        if not accepts_connections("127.0.0.1" if host == "0.0.0.0" else host, port):  # noqa: S104  # compared only
            return
        holder = find_listener(port) or "?"
        raise StartFailed(
            f"Port {port} is taken ({holder}). Nothing was started. Free it, or choose another: {setting}={port + 1}",
            f"端口 {port} 已被占用（{holder}），未启动任何服务。请释放该端口，或改用其他端口：{setting}={port + 1}",
        )

    def _run_step(self, step: StartStep) -> None:
        log = self._layout.logs / f"{step.spec.name}.log"
        try:
            code = run_once(step.spec, log, self._given.market_home, STEP_TIMEOUT_S, lambda: self._signals > 0)
        except subprocess.TimeoutExpired:
            code = -signal.SIGKILL
        self._check_signals()
        if code != 0:
            raise _failed(step.spec.name, log)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        waiting = list(self._children)
        while waiting:
            self._check_signals()
            for child in waiting:
                if child.pid is None or time.monotonic() > deadline:
                    raise _failed(child.spec.name, child.log)
            waiting = [child for child in waiting if not child.is_ready()]
            time.sleep(0.05)

    def _mend_engines(self) -> None:
        if time.monotonic() < self._mend_again_s:
            return
        try:
            for name in self._engines.mend():
                self._tell(f"{name} had ended and runs again", f"{name} 曾退出，现已恢复运行")
        except EngineError as error:
            self._mend_again_s = time.monotonic() + 5.0
            self._tell(error.en, error.zh)

    def _check_signals(self) -> None:
        if self._signals:
            raise Stopped


def _failed(name: str, log: Path) -> StartFailed:
    end = read_log_end(log)
    return StartFailed(
        f"{name} did not start; everything was stopped again and your data is safe. Its log, {log}, ends with:\n{end}",
        f"{name} 未能启动；已全部停止，数据安全无损。其日志 {log} 末尾为：\n{end}",
    )
