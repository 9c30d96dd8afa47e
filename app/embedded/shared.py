"""One PostgreSQL and one Valkey that several processes share, for tests that run in parallel.

Each user holds a shared lock on a file. A keeper process (`python -m app.embedded.shared FOLDER`) runs the engines and
waits for the same lock exclusively, so it gets it exactly when the last user has gone, however that one ended, and then
stops the engines. Data is thrown away at each start of the keeper.
"""

import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO
from urllib.parse import parse_qsl, urlencode

from sqlalchemy.engine import make_url

from app.embedded.child_process import read_log_end
from app.embedded.databases import (
    DATABASE,
    OWNER_ROLE,
    SERVING_ROLE,
    create_database,
    create_embedded_roles,
    prepare_external,
    switch_database,
)
from app.embedded.engine_error import EngineError
from app.embedded.engines import Addresses, Layout
from app.embedded.valkey import DATABASES

KEEPER_START_TIMEOUT_S = 60.0
PROGRAMS_VARIABLE = "MARKET_TEST_POSTGRES_PROGRAMS"
"""Folder of another PostgreSQL's programs, to run the shared tests against it."""
REDIS_VARIABLE = "MARKET_TEST_REDIS_PROGRAM"
"""Another Redis-compatible server program, to run the shared tests against it."""


@dataclass(frozen=True)
class SharedEngines:
    """Engines that stay up while the context of `shared_engines` is open."""

    addresses: Addresses

    def own_database(self, name: str, *, template: str | None = None) -> Addresses:
        """Addresses of a new, empty database `name` (or a copy of `template`), and of a doorbell database that no
        other name of the form `…gwN` (pytest-xdist's worker names) uses.
        """
        if self.addresses.database_admin_url is None:
            raise EngineError("Shared engines need DATABASE_ADMIN_URL.", "共享引擎需要 DATABASE_ADMIN_URL。")
        admin_url = create_database(self.addresses.database_admin_url, name, template=template)
        digits = name.rpartition("gw")[2]
        number = int(digits) + 1 if digits.isdigit() else 0
        return Addresses(
            switch_database(self.addresses.database_url, name),
            admin_url,
            _with_number(self.addresses.redis_url, number % DATABASES),
        )


def default_folder() -> Path:
    """A folder under the temporary folder, different for each user and checkout."""
    digest = hashlib.sha256(os.fsencode(Path(__file__).resolve())).hexdigest()[:10]
    return Path(tempfile.gettempdir()) / f"market-shared-{os.geteuid()}-{digest}"


@contextmanager
def shared_engines(folder: Path | None = None) -> Iterator[SharedEngines]:
    """Use the engines of `folder`, starting them when no one else has; the last user's leaving stops them.

    When DATABASE_ADMIN_URL, DATABASE_URL and REDIS_URL are all set, those servers are used and nothing is started.
    Raises EngineError when they do not start.
    """
    named = [os.environ.get(name) for name in ("DATABASE_URL", "DATABASE_ADMIN_URL", "REDIS_URL")]
    if named[0] and named[1] and named[2]:
        addresses = Addresses(_with_driver(named[0]), _with_driver(named[1]), named[2])
        prepare_external(_with_driver(named[1]), addresses.database_url)
        yield SharedEngines(addresses)
        return
    home = folder or default_folder()
    home.mkdir(mode=0o711, parents=True, exist_ok=True)
    if home.stat().st_uid != os.geteuid():
        raise EngineError(
            f"{home} belongs to another user; remove it or name another folder.",
            f"{home} 属于其他用户，请删除它或另选目录。",
        )
    with ExitStack() as stack:
        _lock(stack, home / "users.lock", fcntl.LOCK_SH)
        with ExitStack() as starting:
            _lock(starting, home / "start.lock", fcntl.LOCK_EX)
            if not _keeper_lives(home):
                _start_keeper(home)
        yield SharedEngines(Addresses(**json.loads((home / "engines.json").read_text())))


def keep(home: Path) -> None:
    """Run the engines until the last user has gone (the keeper process)."""
    # Ctrl-C and the end of a terminal reach the users first; their leaving is what ends the keeper.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    layout = Layout(home)
    with ExitStack() as stack:
        users = (home / "users.lock").open("a+")
        _lock(stack, home / "keeper.lock", fcntl.LOCK_EX)
        programs, redis_program = os.environ.get(PROGRAMS_VARIABLE), os.environ.get(REDIS_VARIABLE)
        postgres = layout.postgres(programs=Path(programs) if programs else None, durable=False)
        valkey = layout.valkey(program=Path(redis_program) if redis_program else None)
        stack.callback(layout.remove_sockets)
        stack.callback(shutil.rmtree, home / "pg", ignore_errors=True)
        stack.callback(postgres.stop)
        stack.callback(valkey.stop)
        # A killed keeper's server must be ended before its data is thrown away: `stop` ends left-over processes.
        postgres.stop()
        shutil.rmtree(home / "pg", ignore_errors=True)
        valkey.start()
        postgres.start()
        create_embedded_roles(postgres)
        addresses = Addresses(postgres.url(SERVING_ROLE, DATABASE), postgres.url(OWNER_ROLE, DATABASE), valkey.url())
        draft = layout.addresses.with_suffix(".new")
        draft.write_text(json.dumps(asdict(addresses)))
        draft.rename(layout.addresses)
        stack.callback(layout.addresses.unlink, missing_ok=True)
        fcntl.flock(users, fcntl.LOCK_EX)
    # Leaving the stack stopped the engines and freed `keeper.lock`; only now may the next user look for a keeper.
    users.close()


def _lock(stack: ExitStack, path: Path, kind: int) -> IO[str]:
    file = stack.enter_context(path.open("a+"))
    fcntl.flock(file, kind)
    return file


def _keeper_lives(home: Path) -> bool:
    with (home / "keeper.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _start_keeper(home: Path) -> None:
    addresses, log = home / "engines.json", home / "logs" / "keeper.log"
    addresses.unlink(missing_ok=True)
    log.parent.mkdir(exist_ok=True)
    with log.open("wb") as output:
        keeper = subprocess.Popen(  # this module of this program
            [sys.executable, "-m", "app.embedded.shared", str(home)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=Path(__file__).resolve().parents[2],
            start_new_session=True,
        )
    deadline = time.monotonic() + KEEPER_START_TIMEOUT_S
    while not addresses.exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            keeper.kill()
            raise EngineError(
                f"The shared engines did not start; {log} ends with:\n{read_log_end(log)}",
                f"共享引擎未能启动；{log} 末尾为：\n{read_log_end(log)}",
            )
        time.sleep(0.03)


def _with_driver(url: str) -> str:
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def _with_number(redis_url: str, number: int) -> str:
    """The same server's numbered database; redis-py takes the number from `db` before it looks at the path."""
    place, _, query = redis_url.partition("?")
    return f"{place}?{urlencode(dict(parse_qsl(query)) | {'db': str(number)})}"


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
