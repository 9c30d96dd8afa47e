"""Every route of the application, collected from the modules that define them."""

from __future__ import annotations

from copy import copy
from importlib import import_module
from typing import Any

from api.request import authorize_handler

MODULES = (
    "api.health",
    "api.openapi_ui",
    "api.webhooks.seller_callbacks",
    "api.webhooks.gateways",
    "api.v1.quotes",
    "api.v1.approvals",
    "api.v1.purchases",
    "api.v1.purchase_rules",
    "api.v1.orders",
    "api.v1.traces",
    "api.v1.entitlements",
    "api.v1.seller_runs",
    "api.v1.connectors",
    "api.v1.session",
    "api.v1.members",
    "api.v1.billing_profiles",
    "api.v1.api_keys",
    "api.v1.onboarding",
    "api.v1.organizations",
    "api.v1.feed",
    "api.v1.videos",
    "api.v1.media",
    "api.v1.listings",
    "api.v1.reviews",
    "api.v1.touchpoints",
    "api.v1.invoices",
    "api.v1.invoice_export",
    "api.v1.seller_money",
    "api.v1.promoter",
    "api.v1.operator",
    "api.v1.payments",
    "api.pages.frame.static_files",
    "api.pages.sign_in.handlers",
    "api.pages.seller.handlers",
    "api.pages.videos.handlers",
    "api.pages.money.handlers",
    "api.pages.operator.handlers",
    "api.pages.trace.handlers",
    "api.pages.feed.handlers",
    "api.pages.buy.handlers",
    "api.pages.orders.handlers",
    "api.pages.approvals.handlers",
    "api.pages.entitlements.handlers",
    "api.pages.invoices.handlers",
)


def routes() -> list[Any]:
    """Handlers of all modules, in the order of `MODULES`, none of which runs unauthorized.

    Copies: Litestar wraps a handler's function when it is registered, and a second application in the same process would
    wrap the wrapped one.

    Raises:
        ImproperlyConfiguredException: as `authorize_handler`.
    """
    return [authorize_handler(copy(handler)) for name in MODULES for handler in import_module(name).routes]
