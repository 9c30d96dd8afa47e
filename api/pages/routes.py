"""Modules of the pages that have routes."""

from __future__ import annotations

from types import ModuleType

from api.pages.account import handlers as account_pages
from api.pages.analytics import handlers as analytics_pages
from api.pages.announcements import handlers as announcements_pages
from api.pages.approval_apps import handlers as approval_apps_pages
from api.pages.approvals import handlers as approvals_pages
from api.pages.awaited_payments import handlers as awaited_payments_pages
from api.pages.bank import handlers as bank_pages
from api.pages.billing_profiles import handlers as billing_profiles_pages
from api.pages.books import handlers as books_pages
from api.pages.books import reconciliation_handlers as books_reconciliation_pages
from api.pages.buy import handlers as buy_pages
from api.pages.buyer_statements import handlers as buyer_statements_pages
from api.pages.circles import handlers as circles_pages
from api.pages.comments import handlers as comments_pages
from api.pages.connectors import handlers as connectors_pages
from api.pages.content_reports import handlers as content_reports_pages
from api.pages.conversations import handlers as conversations_pages
from api.pages.coupons import handlers as coupons_pages
from api.pages.courses import handlers as courses_pages
from api.pages.courses import seller_handlers as courses_seller_pages
from api.pages.customers import handlers as customers_pages
from api.pages.dealer_lists import handlers as dealer_lists_pages
from api.pages.deferred_revenue import handlers as deferred_revenue_pages
from api.pages.departments import handlers as departments_pages
from api.pages.disputes import handlers as disputes_pages
from api.pages.end_customers import handlers as end_customers_pages
from api.pages.entitlements import handlers as entitlements_pages
from api.pages.fapiao import handlers as fapiao_pages
from api.pages.fapiao import operator_held as fapiao_operator_held
from api.pages.feed import handlers as feed_pages
from api.pages.feedback import handlers as feedback_pages
from api.pages.frame import static_files
from api.pages.gateway_balances import handlers as gateway_balances_pages
from api.pages.group_robots import handlers as group_robots_pages
from api.pages.groups import handlers as groups_pages
from api.pages.halls import desk_handlers as halls_desk_pages
from api.pages.halls import handlers as halls_pages
from api.pages.identity_provider import handlers as identity_provider_pages
from api.pages.invoice_correction import handlers as invoice_correction_pages
from api.pages.invoice_forwards import handlers as invoice_forwards_pages
from api.pages.invoices import handlers as invoices_pages
from api.pages.invoices import issued as invoices_issued
from api.pages.leads import demo_handlers as leads_demo_pages
from api.pages.leads import follow_handlers as leads_follow_pages
from api.pages.leads import handlers as leads_pages
from api.pages.leads import offer_handlers as leads_offer_pages
from api.pages.listings import handlers as listings_pages
from api.pages.live import handlers as live_pages
from api.pages.live import host_handlers as live_host_pages
from api.pages.money import handlers as money_pages
from api.pages.notifications import handlers as notifications_pages
from api.pages.offers import approval_handlers as offers_approval_pages
from api.pages.offers import handlers as offers_pages
from api.pages.offers import seller_handlers as offers_seller_pages
from api.pages.offers import tier_handlers as offers_tier_pages
from api.pages.on_account import handlers as on_account_pages
from api.pages.operator import handlers as operator_pages
from api.pages.order_sheets import handlers as order_sheets_pages
from api.pages.orders import handlers as orders_pages
from api.pages.partners import handlers as partners_pages
from api.pages.partners import invitation_handlers as partners_invitation_pages
from api.pages.partners import territory_handlers as partners_territory_pages
from api.pages.payee_tax import handlers as payee_tax_pages
from api.pages.payers import charge_handlers as payers_charge_pages
from api.pages.payers import handlers as payers_pages
from api.pages.payment_methods import handlers as payment_methods_pages
from api.pages.payments import handlers as payments_pages
from api.pages.payouts import handlers as payouts_pages
from api.pages.products import handlers as products_pages
from api.pages.promoter_earnings import handlers as promoter_earnings_pages
from api.pages.promoter_plans import handlers as promoter_plans_pages
from api.pages.purchase_policy import handlers as purchase_policy_pages
from api.pages.purchase_rules import handlers as purchase_rules_pages
from api.pages.reference_rates import handlers as reference_rates_pages
from api.pages.referrals import handlers as referrals_pages
from api.pages.refund_cases import handlers as refund_cases_pages
from api.pages.reliability import handlers as reliability_pages
from api.pages.response_cards import handlers as response_cards_pages
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
from api.pages.tickets import handlers as tickets_pages
from api.pages.trace import handlers as trace_pages
from api.pages.training import handlers as training_pages
from api.pages.unbilled_orders import handlers as unbilled_orders_pages
from api.pages.usage import handlers as usage_pages
from api.pages.verification import handlers as verification_pages
from api.pages.videos import detail_handlers as videos_detail_pages
from api.pages.videos import handlers as videos_pages
from api.pages.webhooks import handlers as webhooks_pages

MODULES: tuple[ModuleType, ...] = (
    account_pages,
    analytics_pages,
    announcements_pages,
    approval_apps_pages,
    approvals_pages,
    awaited_payments_pages,
    bank_pages,
    billing_profiles_pages,
    books_pages,
    books_reconciliation_pages,
    buy_pages,
    buyer_statements_pages,
    circles_pages,
    comments_pages,
    connectors_pages,
    content_reports_pages,
    conversations_pages,
    coupons_pages,
    courses_pages,
    courses_seller_pages,
    customers_pages,
    dealer_lists_pages,
    deferred_revenue_pages,
    departments_pages,
    disputes_pages,
    end_customers_pages,
    entitlements_pages,
    fapiao_pages,
    fapiao_operator_held,
    feed_pages,
    feedback_pages,
    static_files,
    gateway_balances_pages,
    group_robots_pages,
    groups_pages,
    halls_desk_pages,
    halls_pages,
    identity_provider_pages,
    invoice_correction_pages,
    invoice_forwards_pages,
    invoices_pages,
    invoices_issued,
    leads_demo_pages,
    leads_follow_pages,
    leads_pages,
    leads_offer_pages,
    listings_pages,
    live_pages,
    live_host_pages,
    money_pages,
    notifications_pages,
    offers_approval_pages,
    offers_pages,
    offers_seller_pages,
    offers_tier_pages,
    on_account_pages,
    operator_pages,
    order_sheets_pages,
    orders_pages,
    partners_pages,
    partners_invitation_pages,
    partners_territory_pages,
    payee_tax_pages,
    payers_charge_pages,
    payers_pages,
    payment_methods_pages,
    payments_pages,
    payouts_pages,
    products_pages,
    promoter_earnings_pages,
    promoter_plans_pages,
    purchase_policy_pages,
    purchase_rules_pages,
    reference_rates_pages,
    referrals_pages,
    refund_cases_pages,
    reliability_pages,
    response_cards_pages,
    reviews_pages,
    sale_papers_pages,
    search_pages,
    second_factor_pages,
    seller_pages,
    seller_reviews_pages,
    seller_start_pages,
    services_pages,
    share_policies_pages,
    sharing_pages,
    sign_in_pages,
    sign_up_pages,
    sold_subscriptions_pages,
    spending_pages,
    store_credits_pages,
    subscriptions_pages,
    tax_id_disputes_pages,
    test_clocks_pages,
    tickets_pages,
    trace_pages,
    training_pages,
    unbilled_orders_pages,
    usage_pages,
    verification_pages,
    videos_detail_pages,
    videos_pages,
    webhooks_pages,
)
