"""Every table, for Alembic and the schema tests."""

from __future__ import annotations

import billing.accounting_periods.models
import billing.bank.models
import billing.charges.models
import billing.connected_accounts.models
import billing.credit_lines.models
import billing.disputes.models
import billing.fapiao.models
import billing.gateway_balances.models
import billing.gateways.models
import billing.incidents.models
import billing.invoice_forwards.models
import billing.invoices.models
import billing.journal_export.models
import billing.ledger.models
import billing.on_account.models
import billing.payee_tax.models
import billing.payment_methods.models
import billing.payments.models
import billing.payout_batches.models
import billing.payouts.models
import billing.promoter_plans.models
import billing.reconciliation.models
import billing.reference_rates.models
import billing.refunds.models
import billing.shares.models
import billing.statements.models
import billing.store_credit.models
import fulfillment.connectors.models
import fulfillment.courses.models
import fulfillment.customer_reviews.models
import fulfillment.entitlements.allocation_models
import fulfillment.entitlements.models
import fulfillment.reliability.models
import fulfillment.runs.models
import fulfillment.usage.models
import kernel.audit
import kernel.idempotency
import kernel.jobs.models
import kernel.sandbox_clock
import kernel.sandbox_history
import kernel.states
import marketplace.access.models
import marketplace.attribution.models
import marketplace.catalog.models
import marketplace.channels.models
import marketplace.circles.models
import marketplace.circles.post_models
import marketplace.content_reports.models
import marketplace.courses.models
import marketplace.demos.models
import marketplace.discovery.models
import marketplace.end_customers.models
import marketplace.groups.models
import marketplace.halls.models
import marketplace.halls.visitor_models
import marketplace.identity_providers.models
import marketplace.leads.models
import marketplace.live.models
import marketplace.live.question_models
import marketplace.mail.models
import marketplace.notifications.models
import marketplace.onboarding.models
import marketplace.parties.models
import marketplace.payers.models
import marketplace.placements.models
import marketplace.questions.models
import marketplace.reactions.models
import marketplace.referrals.models
import marketplace.relations.dealer_list_models
import marketplace.relations.invitation_models
import marketplace.relations.models
import marketplace.relations.partner_models
import marketplace.relations.territory_models
import marketplace.response_cards.models
import marketplace.robots.models
import marketplace.search_index.models
import marketplace.service_windows.models
import marketplace.sharing.models
import marketplace.test_clocks.models
import marketplace.training.models
import marketplace.videos.models
import marketplace.webhooks.models
import orders.amendments.models
import orders.analytics.models
import orders.announcements.models
import orders.approval_apps.models
import orders.approval_rules.models
import orders.buyer_statements.models
import orders.checkout.models
import orders.checkout.payer_models
import orders.checkout.quote_models
import orders.conversations.models
import orders.coupons.models
import orders.disputes.models
import orders.invoicing.models
import orders.offers.models
import orders.offers.tier_offer_models
import orders.order.instalments
import orders.order.milestones
import orders.order.models
import orders.order_sheets.models
import orders.papers.models
import orders.refunds.models
import orders.response_times.models
import orders.tickets.models
import orders.trials.models
from kernel.db.base import Base

SCHEMAS = ("kernel", "marketplace", "fulfillment", "billing", "orders")

MODELS = (
    kernel.jobs.models,
    kernel.states,
    kernel.idempotency,
    kernel.audit,
    kernel.sandbox_clock,
    kernel.sandbox_history,
    marketplace.onboarding.models,
    marketplace.parties.models,
    marketplace.payers.models,
    marketplace.referrals.models,
    marketplace.relations.dealer_list_models,
    marketplace.relations.invitation_models,
    marketplace.relations.models,
    marketplace.relations.partner_models,
    marketplace.relations.territory_models,
    marketplace.groups.models,
    marketplace.access.models,
    marketplace.identity_providers.models,
    marketplace.channels.models,
    marketplace.halls.models,
    marketplace.halls.visitor_models,
    marketplace.circles.models,
    marketplace.circles.post_models,
    marketplace.content_reports.models,
    marketplace.sharing.models,
    marketplace.videos.models,
    marketplace.catalog.models,
    marketplace.placements.models,
    marketplace.attribution.models,
    marketplace.discovery.models,
    marketplace.live.models,
    marketplace.live.question_models,
    marketplace.mail.models,
    marketplace.notifications.models,
    marketplace.questions.models,
    marketplace.test_clocks.models,
    marketplace.reactions.models,
    marketplace.response_cards.models,
    marketplace.training.models,
    marketplace.search_index.models,
    marketplace.service_windows.models,
    marketplace.webhooks.models,
    marketplace.robots.models,
    fulfillment.connectors.models,
    fulfillment.entitlements.models,
    fulfillment.entitlements.allocation_models,
    fulfillment.courses.models,
    fulfillment.customer_reviews.models,
    fulfillment.runs.models,
    fulfillment.usage.models,
    billing.bank.models,
    billing.gateways.models,
    billing.gateway_balances.models,
    billing.payment_methods.models,
    billing.payments.models,
    billing.credit_lines.models,
    billing.on_account.models,
    billing.refunds.models,
    billing.charges.models,
    billing.shares.models,
    billing.ledger.models,
    billing.accounting_periods.models,
    billing.journal_export.models,
    billing.reconciliation.models,
    billing.reference_rates.models,
    billing.statements.models,
    billing.store_credit.models,
    billing.payouts.models,
    billing.payee_tax.models,
    billing.connected_accounts.models,
    billing.invoices.models,
    billing.fapiao.models,
    billing.invoice_forwards.models,
    billing.promoter_plans.models,
    orders.checkout.quote_models,
    orders.conversations.models,
    orders.coupons.models,
    orders.disputes.models,
    orders.approval_rules.models,
    orders.checkout.models,
    orders.checkout.payer_models,
    orders.order.models,
    orders.refunds.models,
    orders.response_times.models,
    orders.tickets.models,
    orders.announcements.models,
    orders.approval_apps.models,
    orders.amendments.models,
)
"""Imported for what they declare."""


metadata = Base.metadata
