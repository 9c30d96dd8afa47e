"""The supervisor behind `market up`: which processes the product consists of, their order up and their order down."""

import http.client
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Self

from app.children import Child, ChildSpec, accepts_connections, end_left_over_children, find_listener, run_once
from app.engines.embedded import Engines, Layout
from app.engines.engine_error import EngineError
from app.engines.lifeline import read_log_end
from kernel.settings import Settings

READY_TIMEOUT_S = 60.0
PREPARE_TIMEOUT_S = 600.0
LOOK_EVERY_S = 0.2

Tell = Callable[[str, str], None]
"""Shows one line of progress: English, Chinese."""


class StartFailed(Exception):
    """A process of the product did not come up; the message names its log."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en, self.zh = en, zh


class Stopped(Exception):
    """The person asked to stop."""


class Supervisor:
    """Runs all processes of the product over one data folder, until it is asked to stop.

    Context: on leaving, whatever the reason, every process is ended in order and none is left.
    """

    def __init__(self, settings: Settings, tell: Tell, *, sample: bool = True) -> None:
        self._given = settings
        self._tell = tell
        self._sample = sample
        self._engines = Engines(settings, exclusive=True)
        self._layout = Layout(settings.market_home)
        self._children: list[Child] = []
        self._signals = 0
        self._mend_again_s = 0.0

    def __enter__(self) -> Self:
        """Start everything and return when it is ready. Raises StartFailed, EngineError, FolderInUse, Stopped."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

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
                if event == "died":
                    self._tell(
                        f"{child.spec.name} ended ({code}); starting it again. Log: {child.log}",
                        f"{child.spec.name} 已退出（{code}），正在重新启动。日志：{child.log}",
                    )
            time.sleep(LOOK_EVERY_S)

    def stop(self) -> None:
        """End the processes in order: no new requests, then jobs under way, then the seller, then the engines."""
        for name in ("api", "scheduler", "worker", "renderer", "seller"):
            for child in [child for child in self._children if child.spec.name == name]:
                grace_s = 0.1 if self._signals > 1 else float(self._given.shutdown_grace_s)
                if not child.stop(grace_s):
                    self._tell(f"{name} did not finish in time and was killed", f"{name} 未能按时结束，已强制终止")
        self._children.clear()
        if self._engines.addresses is not None:
            end_left_over_children(self._given.market_home)
        self._engines.__exit__(None, None, None)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1
        if self._signals > 1:
            self._tell("Stopping at once", "立即停止")

    def _start(self) -> None:
        self._tell("Starting PostgreSQL and Valkey", "正在启动 PostgreSQL 与 Valkey")
        self._engines.__enter__()
        end_left_over_children(self._given.market_home)
        for host, port, name in self._ports():
            self._require_free(host, port, name)
        self._tell("Bringing the database up to date", "正在更新数据库结构")
        self._prepare("migrate", ("-m", "app.cli", "migrate"))
        if self._sample:
            self._tell("Preparing the sample market (once)", "正在准备示例数据（仅首次）")
            self._prepare("seed", ("-m", "app.cli", "seed"))
        for spec in self._specs():
            self._check_signals()
            child = Child(spec, self._layout.logs / f"{spec.name}.log", self._given.market_home)
            self._children.append(child)
            child.start()
        self._tell(
            "Starting API, worker, renderer, scheduler and sample seller", "正在启动接口、任务、渲染、调度与示例卖家"
        )
        self._wait_until_ready()

    def _ports(self) -> list[tuple[str, int, str]]:
        ports = [(self._given.host, self._given.port, "PORT")]
        if self._sample:
            ports.append(("127.0.0.1", self._given.sample_seller_port, "SAMPLE_SELLER_PORT"))
        return ports

    def _require_free(self, host: str, port: int, name: str) -> None:
        if not accepts_connections("127.0.0.1" if host == "0.0.0.0" else host, port):  # noqa: S104  # compared only
            return
        holder = find_listener(port) or "?"
        raise StartFailed(
            f"Port {port} is taken ({holder}). Nothing was started. Free it, or choose another: {name}={port + 1}",
            f"端口 {port} 已被占用（{holder}），未启动任何服务。请释放该端口，或改用其他端口：{name}={port + 1}",
        )

    def _prepare(self, name: str, arguments: tuple[str, ...]) -> None:
        self._check_signals()
        spec = ChildSpec(name, arguments, self._environment())
        log = self._layout.logs / f"{name}.log"
        try:
            code = run_once(spec, log, self._given.market_home, PREPARE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            code = -signal.SIGKILL
        self._check_signals()
        if code != 0:
            raise _failed(name, log)

    def _specs(self) -> list[ChildSpec]:
        base = self._environment()
        host, port = self._given.host, self._given.port
        asked = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104  # compared only
        specs = [
            ChildSpec("api", ("-m", "app.cli", "serve"), base, lambda: answers_ready(asked, port)),
            ChildSpec("worker", ("-m", "app.cli", "worker"), base),
            ChildSpec("renderer", ("-m", "app.cli", "worker", "--queue", "documents"), base),
            ChildSpec("scheduler", ("-m", "app.cli", "scheduler"), base),
        ]
        if self._sample:
            specs.insert(0, self._seller())
        return specs

    def _seller(self) -> ChildSpec:
        """The sample seller: a program of its own, given only what any seller would have, not the engines."""
        port = self._given.sample_seller_port
        folder = Path(__file__).resolve().parent.parent / "examples" / "seller_app"
        environment = {
            "PORT": str(port),
            "SELLER_HOME": str(self._given.market_home / "seller"),
            "MARKET_URL": self._given.public_url,
            "PYTHONPATH": str(folder),
        }
        hidden = frozenset(name.upper() for name in Settings.model_fields) - environment.keys()
        return ChildSpec(
            "seller",
            ("-m", "seller_app"),
            environment,
            lambda: accepts_connections("127.0.0.1", port),
            hidden,
        )

    def _environment(self) -> dict[str, str]:
        if self._engines.addresses is None:
            raise RuntimeError("the engines are not started")
        return {**self._engines.addresses.environment(), "MARKET_HOME": str(self._given.market_home)}

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


def answers_ready(host: str, port: int) -> bool:
    """Whether the API on the address says that it is ready to serve (`GET /readyz` → 200)."""
    connection = http.client.HTTPConnection(host, port, timeout=2.0)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _failed(name: str, log: Path) -> StartFailed:
    end = read_log_end(log)
    return StartFailed(
        f"{name} did not start; everything was stopped again and your data is safe. Its log, {log}, ends with:\n{end}",
        f"{name} 未能启动；已全部停止，数据安全无损。其日志 {log} 末尾为：\n{end}",
    )
