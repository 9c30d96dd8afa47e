"""Every route of the application, collected from the modules that define them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

MODULES = (
    "api.health",
    "api.reference",
    "api.hooks_runs",
    "api.v1.buying",
    "api.v1.orders",
    "api.v1.traces",
    "api.v1.entitlements",
    "api.v1.seller_runs",
    "api.v1.connectors",
    "api.v1.session",
    "api.v1.people",
    "api.v1.feed",
    "api.v1.videos",
    "api.v1.media",
    "api.v1.listings",
    "api.v1.touchpoints",
    "api.v1.invoices",
    "api.v1.seller_money",
    "api.v1.promoter",
    "api.v1.operator",
    "api.v1.payments",
)


def routes() -> list[Any]:
    """Handlers of all modules, in the order of `MODULES`."""
    found: list[Any] = []
    for name in MODULES:
        found.extend(import_module(name).routes)
    return found
