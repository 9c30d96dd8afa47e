"""A product of its own to measure: fresh data folder, all processes as `market up` starts them, the sample market."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
from sqlalchemy.engine import make_url

from app.embedded.child_process import end_child, read_log_end, start_child
from app.embedded.engines import Layout
from app.embedded.postgres import SUPERUSER
from app.process_plan import read_outcome
from kernel.settings import Settings, load_settings

HOST = "127.0.0.1"
BUYER = "buyer@xinghe.example"
READY_TIMEOUT_S = 180.0
END_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Stack:
    """The running product."""

    settings: Settings
    root: psutil.Process
    """`market up`; every other process is below it."""
    ready_after_s: float

    @property
    def port(self) -> int:
        """Where the API listens, on `HOST`."""
        return self.settings.port

    @property
    def password(self) -> str:
        """That of every sample person."""
        return read_outcome(self.settings).sign_ins[0].password

    @property
    def addresses(self) -> Mapping[str, str]:
        """Where the engines are: `database_url`, `database_admin_url`, `redis_url`."""
        told: dict[str, str] = json.loads(Layout(self.settings.market_home).addresses.read_text(encoding="utf-8"))
        return told

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection]:
        """An autocommit connection of the superuser: row level security holds back nothing of what a bench reads or makes."""
        with connect_superuser(self.addresses["database_admin_url"]) as connection:
            yield connection


@contextmanager
def connect_superuser(admin_url: str) -> Iterator[psycopg.Connection]:
    """An autocommit connection of the superuser to an embedded server, found by its owner's address."""
    address = make_url(admin_url).set(drivername="postgresql", username=SUPERUSER)
    with psycopg.connect(address.render_as_string(hide_password=False), autocommit=True) as connection:
        yield connection


@contextmanager
def stack(port: int | None = None, *, outbound_allowed: tuple[str, ...] = ()) -> Iterator[Stack]:
    """Start the product on `port` and the next one (else on free ports), and end it and its data afterwards.

    `outbound_allowed`: `host:port` pairs on this machine that the product may call.

    Raises RuntimeError with the end of its output when it did not come up.
    """
    with tempfile.TemporaryDirectory(prefix="market-bench-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        settings = load_settings(
            market_home=home,
            host=HOST,
            port=port or free_port(),
            sample_seller_port=port + 1 if port else free_port(),
            database_url=None,
            database_admin_url=None,
            redis_url=None,
            outbound_allowed=",".join(outbound_allowed),
        )
        log = home / "market-up.log"
        begun_s = time.monotonic()
        process = start_child(
            [sys.executable, "-m", "app.cli", "up"], log=log, folder=Path.cwd(), environment=environment(settings)
        )
        try:
            while settings.public_url not in (log.read_text(encoding="utf-8") if log.exists() else ""):
                if process.poll() is not None or time.monotonic() - begun_s > READY_TIMEOUT_S:
                    raise RuntimeError(f"`market up` did not come up:\n{read_log_end(log)}")
                time.sleep(0.02)
            yield Stack(settings, psutil.Process(process.pid), time.monotonic() - begun_s)
        except BaseException as error:
            for name in sorted(Layout(home).logs.glob("*.log")):
                error.add_note(f"{name.name} ends with:\n{read_log_end(name)}")
            raise
        finally:
            end_child(process, [(signal.SIGTERM, END_TIMEOUT_S)])


def environment(settings: Settings, engines: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment, with the product's settings and nothing of an installation that it may be set for.

    Without `engines` the product starts its own.
    """
    of_product = {name.upper() for name in Settings.model_fields}
    kept = {name: value for name, value in os.environ.items() if name not in of_product}
    own = {
        "MARKET_HOME": str(settings.market_home),
        "HOST": settings.host,
        "PORT": str(settings.port),
        "SAMPLE_SELLER_PORT": str(settings.sample_seller_port),
        # What is measured is measured alone, and on a market of one size.
        "SAMPLE_HISTORY": "off",
        "OUTBOUND_ALLOWED": ",".join(settings.outbound_allowed),
        "PYTHONUNBUFFERED": "1",
    }
    return kept | own | {name.upper(): value for name, value in (engines or {}).items() if value}


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server((HOST, 0)) as free:
        port: int = free.getsockname()[1]
        return port
