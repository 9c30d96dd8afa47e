"""Every route of the application, collected from the modules that define them."""

from __future__ import annotations

from copy import copy
from types import ModuleType
from typing import Any

from api import health, metrics, openapi_ui
from api.pages.routes import MODULES as PAGES
from api.request import authorize_handler
from api.v1.routes import MODULES as INTERFACE
from api.webhooks import approval_callbacks, gateways, seller_callbacks

MODULES: tuple[ModuleType, ...] = (
    health,
    metrics,
    openapi_ui,
    seller_callbacks,
    gateways,
    approval_callbacks,
    *INTERFACE,
    *PAGES,
)


def all_routes() -> list[Any]:
    """Handlers of all modules, in the order of `MODULES`, none of which runs unauthorized.

    Copies: Litestar wraps a handler's function when it is registered, and a second application in the same process would
    wrap the wrapped one.

    Raises: as `authorize_handler`.
    """
    return [authorize_handler(copy(handler)) for module in MODULES for handler in module.routes]
