"""The database and the doorbell that a process works with: one's own servers when settings name them, else embedded."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from app.embedded.databases import (
    DATABASE,
    OWNER_ROLE,
    SERVING_ROLE,
    check_serving_role,
    create_embedded_roles,
    prepare_external,
)
from app.embedded.engine_error import EngineError
from app.embedded.folder_lock import FolderInUse, FolderLock
from app.embedded.postgres import PostgresServer
from app.embedded.valkey import ValkeyServer
from kernel.settings import Settings, load_settings

SOCKET_PATH_LIMIT = 100
"""Bytes; `sun_path` holds 104 on macOS and 108 on Linux, with a closing zero."""


@dataclass(frozen=True)
class Addresses:
    """Where the engines are. `database_admin_url` is None when only the serving role's address is known."""

    database_url: str
    database_admin_url: str | None
    redis_url: str

    def apply(self, settings: Settings) -> Settings:
        """The same settings with these addresses filled in."""
        return settings.model_copy(update=asdict(self))

    def environment(self) -> dict[str, str]:
        """The addresses as environment variables for a child process."""
        return {name.upper(): value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Layout:
    """Where everything of the embedded engines lies in a data folder."""

    home: Path

    @property
    def run(self) -> Path:
        """Folder of the sockets; a short one under the temporary folder when the data folder's path does not suit.

        It does not when it is too long, or holds a comma, at which libpq takes it for several hosts.
        """
        inside = self.home / "run"
        if "," not in str(inside) and len(os.fsencode(inside / ".s.PGSQL.5432.lock")) <= SOCKET_PATH_LIMIT:
            return inside
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"market-{os.geteuid()}-{digest}"

    def remove_sockets(self) -> None:
        """Remove the sockets' folder when it lies outside the data folder, once the servers have stopped."""
        if self.run.parent != self.home and self.run.is_dir() and not any(self.run.iterdir()):
            self.run.rmdir()

    @property
    def logs(self) -> Path:
        """Folder of all logs."""
        return self.home / "logs"

    @property
    def addresses(self) -> Path:
        """File in which the process that runs the engines tells others where they are."""
        return self.home / "engines.json"

    def postgres(self, *, programs: Path | None = None, durable: bool = True) -> PostgresServer:
        """The PostgreSQL server of this folder, not yet started."""
        server = PostgresServer(self.home / "pg" / "data", self.run, self.logs / "postgres.log", durable=durable)
        return server if programs is None else replace(server, programs=programs)

    def valkey(self, *, program: Path | None = None) -> ValkeyServer:
        """The Valkey server of this folder, not yet started."""
        server = ValkeyServer(self.home / "valkey", self.run / "valkey.sock", self.logs / "valkey.log")
        return server if program is None else replace(server, program=program)


class Engines:
    """Context in which database and doorbell run. Start it from the main thread.

    Servers that `settings` name are used as they are; a missing serving role is created there. What they do not name is
    started from the wheels, and stopped at the end. With `join`, engines that another process of the same data folder
    runs are used instead of raising FolderInUse. With `exclusive`, the folder is locked even when nothing embedded is
    needed, for a caller that keeps more than engines in it.

    Raises EngineError when an engine cannot be used, FolderInUse when another process runs the folder's engines.
    """

    def __init__(self, settings: Settings, *, join: bool = False, exclusive: bool = False) -> None:
        self._settings = settings
        self._join = join
        self._exclusive = exclusive
        self._stack = ExitStack()
        self._layout = Layout(settings.market_home)
        self.postgres: PostgresServer | None = None
        self.valkey: ValkeyServer | None = None
        self.addresses: Addresses | None = None

    def __enter__(self) -> Self:
        try:
            self.addresses = self._open()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def settings(self) -> Settings:
        """The given settings with the engines' addresses filled in. Raises RuntimeError outside the context."""
        return self.open_addresses().apply(self._settings)

    def open_addresses(self) -> Addresses:
        """Where the engines are. Raises RuntimeError outside the context."""
        if self.addresses is None:
            raise RuntimeError("the engines are not started")
        return self.addresses

    def mend(self) -> list[str]:
        """Start again, at the same address, any embedded engine whose process has died; answers their names."""
        mended = []
        if self.postgres is not None and self.postgres.pid is None:
            self.postgres.start()
            mended.append("postgres")
        if self.valkey is not None and self.valkey.pid is None:
            self.valkey.start()
            mended.append("valkey")
        return mended

    def _open(self) -> Addresses:
        named = self._settings
        if named.database_url and named.redis_url:
            if self._exclusive:
                self._stack.enter_context(FolderLock(named.market_home))
            self._check_external()
            return Addresses(named.database_url, named.database_admin_url, named.redis_url)
        if named.is_production:
            raise EngineError(
                "Embedded engines do not serve production: set DATABASE_URL and REDIS_URL. Nothing was started.",
                "内置数据引擎不用于生产：请设置 DATABASE_URL 与 REDIS_URL。未启动任何服务。",
            )
        try:
            self._stack.enter_context(FolderLock(named.market_home))
        except FolderInUse:
            running = self._read_running() if self._join else None
            if running is None:
                raise
            return running
        try:
            return self._start_embedded()
        except PermissionError as error:
            raise EngineError(
                f"A part of the data folder {named.market_home} belongs to another user ({error}). Nothing was "
                "changed. Start as that user, or choose another folder with MARKET_HOME.",
                f"数据目录 {named.market_home} 的部分内容属于其他用户（{error}）。未作任何更改。"
                "请以该用户启动，或用 MARKET_HOME 选择其他目录。",
            ) from error

    def _start_embedded(self) -> Addresses:
        named = self._settings
        self._stack.callback(self._layout.remove_sockets)
        redis_url = named.redis_url
        if redis_url is None:
            self.valkey = self._layout.valkey()
            self._stack.callback(self.valkey.stop)
            self.valkey.start()
            redis_url = self.valkey.url()
        database_url, admin_url = named.database_url, named.database_admin_url
        if database_url is None:
            self.postgres = self._layout.postgres()
            self._stack.callback(self.postgres.stop)
            self.postgres.start()
            create_embedded_roles(self.postgres)
            database_url = self.postgres.url(SERVING_ROLE, DATABASE)
            admin_url = self.postgres.url(OWNER_ROLE, DATABASE)
        else:
            self._check_external()
        addresses = Addresses(database_url, admin_url, redis_url)
        self._announce(addresses)
        return addresses

    def _check_external(self) -> None:
        if self._settings.database_url is None:
            return
        if self._settings.database_admin_url is None:
            check_serving_role(self._settings.database_url)
        else:
            prepare_external(self._settings.database_admin_url, self._settings.database_url)

    def _announce(self, addresses: Addresses) -> None:
        target = self._layout.addresses
        draft = target.with_suffix(".new")
        draft.touch(mode=0o600)  # external addresses carry passwords
        draft.write_text(json.dumps(asdict(addresses)))
        draft.rename(target)
        self._stack.callback(target.unlink, missing_ok=True)

    def _read_running(self) -> Addresses | None:
        """Addresses told by the process that holds the folder; None while it is still starting."""
        try:
            written = json.loads(self._layout.addresses.read_text())
        except (OSError, ValueError):
            return None
        return Addresses(written["database_url"], written["database_admin_url"], written["redis_url"])


@contextmanager
def running_engines() -> Iterator[Settings]:
    """Settings with reachable engines while the context is open. Raises SettingsError, EngineError, FolderInUse."""
    with Engines(load_settings(), join=True) as engines:
        yield engines.settings
