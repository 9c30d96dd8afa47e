"""Servers of every kind found on this machine, and processes to kill."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from app.embedded.postgres import PostgresServer, find_wheel_programs
from app.embedded.valkey import ValkeyServer
from kernel.settings import Settings

REPOSITORY = Path(__file__).parents[2]
PATIENCE_S = 90.0
"""How long a test waits on a busy machine before it calls a thing lost. No promise is measured by it."""


def find_installed() -> dict[str, Path]:
    """The wheel's PostgreSQL and any that the system's packages brought."""
    found = {"wheel": find_wheel_programs()}
    for programs in sorted(Path("/usr/lib/postgresql").glob("*/bin")):
        if int(programs.parent.name) >= 15 and (programs / "initdb").exists():
            found[f"system-{programs.parent.name}"] = programs
    return found


INSTALLED = find_installed()
BELLS = {"wheel": None} | ({"redis-server": shutil.which("redis-server")} if shutil.which("redis-server") else {})


@dataclass
class Machine:
    """A short-named data folder of its own, and what runs on it."""

    home: Path

    @property
    def settings(self) -> Settings:
        return Settings(
            market_home=self.home, database_url=None, database_admin_url=None, redis_url=None, market_mode="sandbox"
        )

    def processes(self) -> list[psutil.Process]:
        """Every process whose working directory or command line lies in the folder."""
        found = []
        for process in psutil.process_iter():
            try:
                inside = process.cwd().startswith(str(self.home)) or str(self.home) in " ".join(process.cmdline())
                runs = inside and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                # It ended between two of the questions.
                continue
            if runs:
                found.append(process)
        return found

    def wait_until_empty(self) -> list[psutil.Process]:
        """Wait until nothing runs in the folder; answers what still does at the end."""
        deadline = time.monotonic() + PATIENCE_S
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return left


def kill_server(server: PostgresServer | ValkeyServer) -> None:
    """SIGKILL to the server's first process, and wait for its end."""
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    wait_for_end(server)


def wait_for_end(server: PostgresServer | ValkeyServer) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while server.pid is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def machine() -> Iterator[Machine]:
    # Shorter than pytest's tmp_path: a Unix socket's path holds about 100 bytes.
    folder = Path(tempfile.mkdtemp(prefix="mk-"))
    found = Machine(folder)
    yield found
    for process in found.processes():
        with suppress(psutil.NoSuchProcess):
            process.kill()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=list(INSTALLED))
def postgres(request: pytest.FixtureRequest, machine: Machine) -> Iterator[PostgresServer]:
    server = PostgresServer(
        machine.home / "pg" / "data",
        machine.home / "run",
        machine.home / "logs" / "postgres.log",
        programs=INSTALLED[request.param],
    )
    yield server
    server.stop()


@pytest.fixture(params=list(BELLS))
def bell(request: pytest.FixtureRequest, machine: Machine) -> Iterator[ValkeyServer]:
    server = ValkeyServer(machine.home / "bell", machine.home / "run" / "bell.sock", machine.home / "logs" / "bell.log")
    program = BELLS[request.param]
    if program is not None:
        server.program = Path(program)
    yield server
    server.stop()


@dataclass
class Script:
    """Python source running in a process of its own, from whose first lines one may read."""

    process: subprocess.Popen[str]

    def read_line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def start_script() -> Iterator[Callable[..., Script]]:
    started: list[Script] = []

    def start(source: str, *arguments: str) -> Script:
        process = subprocess.Popen(
            [sys.executable, "-c", source, *arguments],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}},
        )
        started.append(Script(process))
        return started[-1]

    yield start
    for script in started:
        script.kill()
        for stream in (script.process.stdin, script.process.stdout):
            if stream is not None:
                stream.close()
