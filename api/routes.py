"""Every route of the application, collected from the modules that define them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

MODULES = ("api.health",)


def routes() -> list[Any]:
    """Handlers of all modules, in the order of `MODULES`."""
    found: list[Any] = []
    for name in MODULES:
        found.extend(import_module(name).routes)
    return found
