"""Every route of the application, collected from the modules that define them."""

from __future__ import annotations

from copy import copy
from types import ModuleType
from typing import Any

from api import analytics_routes, health, metrics, openapi_ui
from api.pages.account import handlers as account_pages
from api.pages.approvals import handlers as approvals_pages
from api.pages.awaited_payments import handlers as awaited_payments_pages
from api.pages.bank import handlers as bank_pages
from api.pages.billing_profiles import handlers as billing_profiles_pages
from api.pages.books import handlers as books_pages
from api.pages.books import reconciliation_handlers as reconciliation_pages
from api.pages.buy import handlers as buy_pages
from api.pages.buyer_statements import handlers as buyer_statements_pages
from api.pages.comments import handlers as comments_pages
from api.pages.connectors import handlers as connectors_pages
from api.pages.content_reports import handlers as content_reports_pages
from api.pages.coupons import handlers as coupons_pages
from api.pages.courses import handlers as courses_pages
from api.pages.courses import seller_handlers as seller_courses_pages
from api.pages.customers import handlers as customers_pages
from api.pages.deferred_revenue import handlers as deferred_revenue_pages
from api.pages.departments import handlers as departments_pages
from api.pages.disputes import handlers as disputes_pages
from api.pages.entitlements import handlers as entitlements_pages
from api.pages.fapiao import handlers as fapiao_pages
from api.pages.fapiao import operator_held
from api.pages.feed import handlers as feed_pages
from api.pages.feedback import handlers as feedback_pages
from api.pages.frame import static_files
from api.pages.gateway_balances import handlers as gateway_balances_pages
from api.pages.identity_provider import handlers as identity_provider_pages
from api.pages.invoice_correction import handlers as invoice_correction_pages
from api.pages.invoice_forwards import handlers as invoice_forwards_pages
from api.pages.invoices import handlers as invoices_pages
from api.pages.invoices import issued as issued_pages
from api.pages.leads import demo_handlers as demo_pages
from api.pages.leads import handlers as leads_pages
from api.pages.leads import offer_handlers as lead_offer_pages
from api.pages.listings import handlers as listings_pages
from api.pages.money import handlers as money_pages
from api.pages.notifications import handlers as notifications_pages
from api.pages.offers import approval_handlers as offer_approval_pages
from api.pages.offers import handlers as offer_pages
from api.pages.offers import seller_handlers as seller_offer_pages
from api.pages.offers import tier_handlers as tier_offer_pages
from api.pages.on_account import handlers as on_account_pages
from api.pages.operator import handlers as operator_pages
from api.pages.orders import handlers as orders_pages
from api.pages.partners import handlers as partners_pages
from api.pages.payee_tax import handlers as payee_tax_pages
from api.pages.payment_methods import handlers as payment_methods_pages
from api.pages.payments import handlers as payments_pages
from api.pages.payouts import handlers as payouts_pages
from api.pages.products import handlers as products_pages
from api.pages.promoter_plans import handlers as promoter_plans_pages
from api.pages.purchase_policy import handlers as purchase_policy_pages
from api.pages.purchase_rules import handlers as purchase_rules_pages
from api.pages.reference_rates import handlers as reference_rates_pages
from api.pages.refund_cases import handlers as refund_cases_pages
from api.pages.reviews import handlers as reviews_pages
from api.pages.sale_papers import handlers as sale_papers_pages
from api.pages.search import handlers as search_pages
from api.pages.second_factor import handlers as second_factor_pages
from api.pages.seller import handlers as seller_pages
from api.pages.seller_reviews import handlers as seller_reviews_pages
from api.pages.seller_start import handlers as seller_start_pages
from api.pages.services import handlers as services_pages
from api.pages.share_policies import handlers as share_policies_pages
from api.pages.sharing import handlers as sharing_pages
from api.pages.sign_in import handlers as sign_in_pages
from api.pages.sign_up import handlers as sign_up_pages
from api.pages.sold_subscriptions import handlers as sold_subscriptions_pages
from api.pages.spending import handlers as spending_pages
from api.pages.store_credits import handlers as store_credits_pages
from api.pages.subscriptions import handlers as subscriptions_pages
from api.pages.tax_id_disputes import handlers as tax_id_disputes_pages
from api.pages.test_clocks import handlers as test_clocks_pages
from api.pages.trace import handlers as trace_pages
from api.pages.unbilled_orders import handlers as unbilled_orders_pages
from api.pages.usage import handlers as usage_pages
from api.pages.verification import handlers as verification_pages
from api.pages.videos import detail_handlers as video_details_pages
from api.pages.videos import handlers as videos_pages
from api.pages.webhooks import handlers as webhooks_pages
from api.request import authorize_handler
from api.v1 import (
    account,
    accounting_periods,
    api_keys,
    approval_deputies,
    approvals,
    awaited_payments,
    bank,
    bank_returns,
    bank_transfers,
    billing_profiles,
    buyer_statements,
    captions,
    chapters,
    comments,
    connectors,
    content_reports,
    coupons,
    courses,
    covers,
    credit_lines,
    customer_reviews,
    customers,
    deferred_revenue,
    demos,
    departments,
    disputes,
    entitlements,
    event_types,
    events,
    fapiaos,
    feed,
    gateway_accounts,
    gateway_balances,
    held_refunds,
    identity_provider,
    incidents,
    invitations,
    invoice_corrections,
    invoice_export,
    invoice_forwards,
    invoices,
    leads,
    ledger,
    listing_images,
    listing_terms,
    listings,
    media,
    members,
    milestones,
    notifications,
    offer_approvals,
    offers,
    onboarding,
    operator,
    orders,
    organizations,
    outbox,
    ownership_transfers,
    partners,
    payee_tax,
    payee_tax_files,
    payment_methods,
    payments,
    payout_batches,
    payout_schedules,
    promoter,
    promoter_plans,
    purchase_rules,
    purchases,
    quarantine,
    questions,
    quotes,
    reconciliation,
    reference_rates,
    refund_cases,
    reviews,
    sale_papers,
    schedules,
    search,
    second_factor,
    seller_money,
    seller_runs,
    session,
    share_policies,
    sign_ups,
    sold_subscriptions,
    sold_unbilled,
    spend,
    statement_workbook,
    store_credits,
    subscriptions,
    test_clocks,
    tier_offers,
    touchpoints,
    traces,
    unbilled_orders,
    uploads,
    usage,
    verification,
    video_readers,
    videos,
    webhook_endpoints,
)
from api.webhooks import gateways, seller_callbacks

MODULES: tuple[ModuleType, ...] = (
    health,
    metrics,
    openapi_ui,
    seller_callbacks,
    gateways,
    quotes,
    approvals,
    approval_deputies,
    purchases,
    purchase_rules,
    orders,
    refund_cases,
    store_credits,
    bank,
    bank_returns,
    bank_transfers,
    traces,
    entitlements,
    usage,
    courses,
    subscriptions,
    sold_subscriptions,
    spend,
    seller_runs,
    connectors,
    event_types,
    events,
    webhook_endpoints,
    test_clocks,
    session,
    account,
    second_factor,
    sign_ups,
    invitations,
    outbox,
    notifications,
    members,
    milestones,
    ownership_transfers,
    billing_profiles,
    api_keys,
    onboarding,
    organizations,
    verification,
    identity_provider,
    gateway_accounts,
    gateway_balances,
    reference_rates,
    feed,
    comments,
    content_reports,
    coupons,
    credit_lines,
    videos,
    media,
    captions,
    chapters,
    covers,
    schedules,
    video_readers,
    uploads,
    listings,
    listing_images,
    listing_terms,
    customer_reviews,
    questions,
    leads,
    offers,
    offer_approvals,
    tier_offers,
    demos,
    departments,
    partners,
    customers,
    search,
    reviews,
    touchpoints,
    invoices,
    invoice_corrections,
    sale_papers,
    buyer_statements,
    unbilled_orders,
    sold_unbilled,
    awaited_payments,
    statement_workbook,
    fapiaos,
    held_refunds,
    disputes,
    incidents,
    quarantine,
    accounting_periods,
    ledger,
    reconciliation,
    deferred_revenue,
    invoice_export,
    invoice_forwards,
    share_policies,
    seller_money,
    promoter,
    promoter_plans,
    operator,
    payment_methods,
    payments,
    payout_batches,
    payout_schedules,
    payee_tax,
    payee_tax_files,
    static_files,
    sign_in_pages,
    sign_up_pages,
    account_pages,
    notifications_pages,
    second_factor_pages,
    seller_pages,
    seller_start_pages,
    connectors_pages,
    webhooks_pages,
    gateway_balances_pages,
    reference_rates_pages,
    test_clocks_pages,
    seller_reviews_pages,
    verification_pages,
    tax_id_disputes_pages,
    bank_pages,
    on_account_pages,
    payouts_pages,
    payee_tax_pages,
    share_policies_pages,
    departments_pages,
    partners_pages,
    disputes_pages,
    listings_pages,
    videos_pages,
    video_details_pages,
    money_pages,
    operator_pages,
    books_pages,
    deferred_revenue_pages,
    reconciliation_pages,
    reviews_pages,
    trace_pages,
    feed_pages,
    comments_pages,
    content_reports_pages,
    coupons_pages,
    sharing_pages,
    products_pages,
    feedback_pages,
    leads_pages,
    lead_offer_pages,
    offer_pages,
    seller_offer_pages,
    tier_offer_pages,
    offer_approval_pages,
    demo_pages,
    customers_pages,
    usage_pages,
    courses_pages,
    seller_courses_pages,
    search_pages,
    buy_pages,
    orders_pages,
    refund_cases_pages,
    store_credits_pages,
    payments_pages,
    payment_methods_pages,
    approvals_pages,
    billing_profiles_pages,
    purchase_rules_pages,
    purchase_policy_pages,
    identity_provider_pages,
    entitlements_pages,
    subscriptions_pages,
    spending_pages,
    services_pages,
    sold_subscriptions_pages,
    invoices_pages,
    issued_pages,
    promoter_plans_pages,
    invoice_forwards_pages,
    fapiao_pages,
    operator_held,
    invoice_correction_pages,
    sale_papers_pages,
    buyer_statements_pages,
    unbilled_orders_pages,
    awaited_payments_pages,
    *analytics_routes.MODULES,
)


def routes() -> list[Any]:
    """Handlers of all modules, in the order of `MODULES`, none of which runs unauthorized.

    Copies: Litestar wraps a handler's function when it is registered, and a second application in the same process would
    wrap the wrapped one.

    Raises:
        ImproperlyConfiguredException: as `authorize_handler`.
    """
    return [authorize_handler(copy(handler)) for module in MODULES for handler in module.routes]
