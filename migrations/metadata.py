"""Every table, for Alembic and the schema tests."""

from __future__ import annotations

from importlib import import_module

from kernel.db.base import Base

SCHEMAS = ("kernel", "marketplace", "fulfillment", "billing", "orders")

MODELS = (
    "kernel.jobs.models",
    "kernel.states",
    "kernel.idempotency",
    "kernel.audit",
    "kernel.sandbox_clock",
    "marketplace.parties.models",
    "marketplace.access.models",
    "marketplace.channels.models",
    "marketplace.videos.models",
    "marketplace.catalog.models",
    "marketplace.placements.models",
    "marketplace.attribution.models",
    "fulfillment.connectors.models",
    "fulfillment.entitlements.models",
    "fulfillment.runs.models",
    "billing.gateways.models",
    "billing.payments.models",
    "billing.refunds.models",
    "billing.charges.models",
    "billing.shares.models",
    "billing.ledger.models",
    "billing.statements.models",
    "billing.payouts.models",
    "billing.invoices.models",
    "orders.checkout.quote_models",
    "orders.approval_rules.models",
    "orders.checkout.models",
    "orders.order.models",
)

for module in MODELS:
    import_module(module)

metadata = Base.metadata
