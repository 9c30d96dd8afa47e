"""A market of real processes over engines of its own, in which a test kills what it likes."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import psutil
from sqlalchemy import create_engine, select, text

from api.context import Services
from app.commands.verify import check
from app.composition import compose
from app.database_schema import upgrade
from app.embedded.engines import Engines
from app.embedded.supervised_process import ProcessSpec, SupervisedProcess
from app.partition_retention import PARTITIONS
from app.process_plan import answers_ready
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.jobs.context import LEASE_S
from kernel.jobs.kinds import forget_sweep
from kernel.jobs.models import Job, JobAttempt
from kernel.principal import SYSTEM
from kernel.settings import Settings
from marketplace.videos.models import Video
from tests.adapters.seller_process import Seller
from tests.faults.machines import PATIENCE_S
from tests.loop_stage import Stage, set_stage

TAKEN_OVER_S = 10.0
"""The promise: a killed worker's job runs elsewhere within this time."""

COMMANDS = {"first": ("worker",), "second": ("worker",), "scheduler": ("scheduler",), "api": ("serve",)}
"""The processes by the names the tests call them by."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Wait until `condition` holds; fail, saying what did not come, when it never does."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)


@dataclass
class Market:
    """Engines, a seller, and the processes of the product, each killable by name."""

    engines: Engines
    settings: Settings
    services: Services
    seller: Seller
    children: dict[str, SupervisedProcess] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    def start(self, name: str, *arguments: str) -> SupervisedProcess:
        """Start `market ARGUMENTS` as a process called `name`."""
        told = {
            **self.engines.open_addresses().environment(),
            "MARKET_HOME": str(self.settings.market_home),
            "PORT": str(self.settings.port),
            "SAMPLE_SELLER_PORT": str(self.seller.port),
            "PAYMENT_GATEWAYS": "sandbox",
        }
        spec = ProcessSpec(name, ("-m", "app.cli", *arguments), told)
        self.children[name] = SupervisedProcess(
            spec, self.settings.market_home / "logs" / f"{name}.log", self.settings.market_home
        )
        self.children[name].start()
        return self.children[name]

    def run(self, *names: str) -> None:
        """Start those of the processes that do not run, all at once, and wait until they serve."""
        missing = [name for name in names if name not in self.children or self.children[name].pid is None]
        seen = {name: self._readiness(name) for name in missing}
        for name in missing:
            self.start(name, *COMMANDS[name])
        for name in missing:
            log = self.children[name].log
            wait_for(lambda name=name: self._readiness(name) > seen[name], f"{name}; see {log}")  # type: ignore[misc]

    def mend(self) -> None:
        """Everything runs, whatever the test before left."""
        self.engines.mend()
        self.run(*COMMANDS)

    def _readiness(self, name: str) -> int:
        """Grows when the process called `name` has become ready."""
        log = self.settings.market_home / "logs" / f"{name}.log"
        if name == "api":
            return int(answers_ready("127.0.0.1", self.settings.port))
        return log.read_text().count(f"{COMMANDS[name][0]}_ready") if log.exists() else 0

    def kill(self, name: str) -> float:
        """SIGKILL; returns the wall-clock second of it."""
        pid = self.children[name].pid
        assert pid is not None, f"{name} is not running"
        at = clock.wall_now().timestamp()
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: self.children[name].pid is None, f"the end of {name}")
        return at

    def stop(self) -> None:
        for child in reversed(self.children.values()):
            child.stop(5.0)

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────

    def holds(self, name: str, kind: str) -> list[UUID]:
        """Jobs of a kind that a worker has claimed now."""
        pid = self.children[name].pid
        with unit_of_work(self.services.db, SYSTEM) as uow:
            claimed = select(Job.id).where(Job.kind == kind, Job.state == "running", Job.worker.endswith(f":{pid}"))
            return list(uow.session.scalars(claimed))

    def assert_taken_over(self, job_ids: list[UUID], killed_at: float) -> None:
        """By the rows of the jobs themselves: each began again, elsewhere, within the promised time."""
        wait_for(lambda: not self._unfinished(job_ids), "the jobs of the killed worker")
        with unit_of_work(self.services.db, SYSTEM) as uow:
            for job_id in job_ids:
                again = uow.session.scalars(select(JobAttempt).where(JobAttempt.job_id == job_id)).one()
                assert (again.outcome, again.epoch) == ("done", 2), (again.outcome, again.epoch, again.error)
                waited_s = again.started_at.timestamp() - killed_at
                late = f"{job_id} waited {waited_s:.1f} s, lease {LEASE_S} s"
                assert waited_s <= TAKEN_OVER_S, f"{late}\n{self.last_lines()}"

    def last_lines(self, count: int = 40) -> str:
        """The end of every process's log, for the message of a test that failed."""
        logs = sorted((self.settings.market_home / "logs").glob("*.log"))
        return "\n".join(f"── {log.name}\n" + "\n".join(log.read_text().splitlines()[-count:]) for log in logs)

    def _unfinished(self, job_ids: list[UUID]) -> list[UUID]:
        with unit_of_work(self.services.db, SYSTEM) as uow:
            return list(uow.session.scalars(select(Job.id).where(Job.id.in_(job_ids))))

    def verify(self) -> None:
        """`market verify`, the seller's own log included, finds nothing."""
        report = check(self.settings, seller_logs=[self.seller.address])
        broken = {o.name: o.found.examples[:3] for o in report.outcomes if o.found.violations}
        assert not broken, broken
        assert len(report.outcomes) >= 20

    # ── standing in the way ──────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def held(self, statement: str, **values: object) -> Iterator[None]:
        """Hold what `statement` locks, so that processes stand still exactly there."""
        assert self.settings.database_admin_url is not None
        engine = create_engine(self.settings.database_admin_url)
        with engine.connect() as connection:
            connection.execute(text("SELECT set_config('app.platform', 'on', false)"))
            connection.execute(text(statement), values)
            yield
        engine.dispose()

    def valkey_process(self) -> psutil.Process:
        assert self.engines.valkey is not None
        assert self.engines.valkey.pid is not None
        return psutil.Process(self.engines.valkey.pid)

    def make_stage(self) -> Stage:
        """New organizations whose seller is this market's."""
        self.seller.behave()
        stage = set_stage(self.services, self.seller)
        video = stage.get(Video, stage.video)
        # The factory's video has no bytes; `verify` looks for them.
        for key in (video.media_key, video.cover_key):
            assert key is not None
            self.services.storage.put_bytes(key, b"\0")
        return stage


@contextmanager
def open_market() -> Iterator[Market]:
    """Everything running: engines, seller, two workers, a scheduler, the API."""
    # Short: a Unix socket's path holds about 100 bytes.
    with tempfile.TemporaryDirectory(prefix="mk-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        given = Settings(
            market_home=home,
            port=free_port(),
            database_url=None,
            database_admin_url=None,
            redis_url=None,
            payment_gateways=("sandbox",),
        )
        with Engines(given) as engines:
            seller = Seller(home / "seller")
            settings = engines.settings.model_copy(update={"sample_seller_port": seller.port})
            assert settings.database_admin_url is not None
            upgrade(settings.database_admin_url)
            market = Market(engines, settings, compose(settings), seller)
            try:
                market.mend()
                yield market
            finally:
                # The sweep over this market's partitions must not outlive it in the process of the tests.
                forget_sweep(PARTITIONS)
                market.stop()
                market.services.db.dispose()
                with suppress(ProcessLookupError):
                    seller.stop()
