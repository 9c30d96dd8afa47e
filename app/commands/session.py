"""The engines for a command that works once on stored data: those of a running `market up`, or its own meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.engines.embedded import Engines
from kernel.settings import Settings, load_settings


@contextmanager
def running_engines() -> Iterator[Settings]:
    """Settings with reachable engines while the context is open. Raises SettingsError, EngineError, FolderInUse."""
    with Engines(load_settings(), join=True) as engines:
        yield engines.settings
