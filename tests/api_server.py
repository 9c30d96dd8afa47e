"""The real application on a loopback port, over a test's database: for what must be called over HTTP."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path

import uvicorn
from litestar import Litestar
from litestar.events import SimpleEventEmitter

from api.app import answer_over, create_app
from api.context import Services
from kernel.db.uow import Database
from kernel.jobs.runner import Runner
from kernel.outbound import OutboundClient, OutboundPolicy
from kernel.secrets import SecretBox
from kernel.settings import Settings
from kernel.signing import TokenSigner
from kernel.storage import open_storage
from marketplace.robots.protocols import poster_of
from orders.approval_apps.access import providers_of


def services_for(
    db: Database, folder: Path, *, signer: TokenSigner, box: SecretBox, policy: OutboundPolicy, **settings: object
) -> Services:
    """The ports of an API process in sandbox mode, without a payment gateway."""
    made = Settings(market_home=folder, **settings)  # type: ignore[arg-type]
    return Services(
        db=db,
        settings=made,
        storage=open_storage((folder / "storage").as_uri()),
        secrets=box,
        signer=signer,
        outbound_policy=policy,
        gateways={},
        robots=poster_of(OutboundClient(policy), made),
        runner=Runner(db, "test"),
        approval_providers=providers_of(OutboundClient(policy), made),
    )


_APPLICATIONS: dict[int, tuple[Services, Litestar]] = {}


def application(services: Services) -> Litestar:
    """The application over `services`, made once for them.

    More than a thousand routes take seconds to register, and know of no services: all applications of a process share those
    of its first one, each with services, lifespan and state of its own.
    """
    if id(services) not in _APPLICATIONS:
        made = next(iter(_APPLICATIONS.values()), None)
        _APPLICATIONS[id(services)] = services, create_app(services) if made is None else _another(made[1], services)
    return _APPLICATIONS[id(services)][1]


def _another(first: Litestar, services: Services) -> Litestar:
    made = copy(first)
    made.asgi_router = copy(first.asgi_router)
    made.asgi_router.app = made
    made.event_emitter = SimpleEventEmitter([])
    made.asgi_handler = made._create_asgi_handler()
    answer_over(made, services)
    return made


@contextmanager
def serving(services: Services) -> Iterator[str]:
    """Serve until the block ends; yields the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(application(services), log_level="warning", lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 30
        while not server.started:
            assert thread.is_alive(), "the application did not start"
            assert time.monotonic() < deadline, "the application did not start in time"
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        thread.join(20)
