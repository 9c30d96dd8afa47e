"""Every route of the application, collected from the modules that define them: each module of this package that has `routes`."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType
from typing import Any

import api
from api.request import authorize_handler


def modules() -> Iterator[ModuleType]:
    """The modules that define routes, in the order of their names."""
    for found in sorted(walk_packages(api.__path__, f"{api.__name__}."), key=lambda found: found.name):
        if hasattr(module := import_module(found.name), "routes"):
            yield module


def all_routes() -> list[Any]:
    """Handlers of all modules, none of which runs unauthorized.

    Copies: Litestar wraps a handler's function when it is registered, and a second application in the same process would
    wrap the wrapped one.

    Raises: as `authorize_handler`.
    """
    return [authorize_handler(copy(handler)) for module in modules() for handler in module.routes]
