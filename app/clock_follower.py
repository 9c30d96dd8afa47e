"""Keeps a process's clock on the sandbox's test clock, and what it knows of the sandbox's past. Does nothing in production."""

from __future__ import annotations

import threading

from sqlalchemy.exc import SQLAlchemyError

from api.context import Services
from kernel import sandbox_clock, sandbox_history
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.test_clocks import own_time

FOLLOW_S = 2.0


def follow_clock(services: Services, stop: threading.Event) -> None:
    """Read the installation's offset, who has a time of its own, and how far the past is: now, then every two seconds."""
    if not services.sandbox:
        return

    def once() -> None:
        with unit_of_work(services.db, SYSTEM) as uow:
            sandbox_clock.follow(uow)
            own_time.follow(uow)
            sandbox_history.follow(uow)

    def loop() -> None:
        while not stop.wait(FOLLOW_S):
            try:
                once()
            except SQLAlchemyError:
                continue

    once()
    threading.Thread(target=loop, name="sandbox-clock", daemon=True).start()
