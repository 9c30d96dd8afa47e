"""The left rail and the bottom bar: by task, and only what the person may do."""

from dataclasses import dataclass
from typing import Literal

from api.pages.frame import (
    addresses,
    analytics_addresses,
    announcement_addresses,
    approval_app_addresses,
    bank_addresses,
    card_addresses,
    conversation_addresses,
    end_customer_addresses,
    group_addresses,
    group_robot_addresses,
    on_account_addresses,
    payer_addresses,
    referral_addresses,
    reliability_addresses,
    ticket_addresses,
    training_addresses,
)

Area = Literal[
    "channel",
    "buyer",
    "approver",
    "member",
    "finance",
    "seller",
    "films",
    "sales",
    "earnings",
    "issuing",
    "channel_films",
    "promoter",
    "operator",
    "reviewer",
    "tracer",
    "members",
    "verification",
    "own_sign_in",
    "email_domains",
    "start",
    "become_seller",
    "own_channel",
    "seller_reviews",
    "tax_id_disputes",
    "payout_desk",
    "billing",
    "asker",
    "leads",
    "webhooks",
    "coupons",
    "partners",
    "own_halls",
]
"""What a person may open. Each is one permission of a page, or several pages that ask for the same one (`sidebar.py`)."""


@dataclass(frozen=True, slots=True)
class NavItem:
    """One task: its text is ``nav.<key>``."""

    key: str
    icon: str
    address: str
    area: Area
    group: Literal["channel", "buying", "selling", "promoting", "operating", "organization"]


ITEMS: tuple[NavItem, ...] = (
    NavItem("feed", "play", addresses.FEED, "channel", "channel"),
    NavItem("products", "box", addresses.PRODUCTS, "channel", "channel"),
    NavItem("live", "video", addresses.live.LIVE, "channel", "channel"),
    NavItem("halls", "building", addresses.halls.HALLS, "channel", "channel"),
    NavItem("circles", "users", addresses.circles.CIRCLES, "asker", "channel"),
    NavItem("orders", "receipt", addresses.ORDERS, "buyer", "buying"),
    NavItem("approvals", "stamp", addresses.APPROVALS, "approver", "buying"),
    NavItem("entitlements", "key", addresses.ENTITLEMENTS, "member", "buying"),
    NavItem("courses", "book", addresses.courses.COURSES, "asker", "buying"),
    NavItem("subscriptions", "refresh", addresses.SUBSCRIPTIONS, "buyer", "buying"),
    NavItem("requests", "user", addresses.REQUESTS, "asker", "buying"),
    NavItem("offers", "tag", addresses.OFFERS, "asker", "buying"),
    NavItem("conversations", "message", conversation_addresses.INBOX, "asker", "buying"),
    NavItem("announcements", "bell", announcement_addresses.RECEIVED, "asker", "buying"),
    NavItem("tickets", "alert", ticket_addresses.TICKETS, "asker", "buying"),
    NavItem("partners", "users", addresses.partners.PARTNERS, "partners", "buying"),
    NavItem("referrals", "share", referral_addresses.REFERRALS, "partners", "buying"),
    NavItem("order_sheets", "receipt", addresses.partners.ORDER_SHEETS, "partners", "buying"),
    NavItem("end_customers", "users", end_customer_addresses.END_CUSTOMERS, "partners", "buying"),
    NavItem("refund_cases", "undo", addresses.refunds.CASES, "buyer", "buying"),
    NavItem("on_account", "wallet", on_account_addresses.OWN, "buyer", "buying"),
    NavItem("store_credits", "wallet", addresses.store_credits.CREDITS, "buyer", "buying"),
    NavItem("payment_methods", "wallet", addresses.payments.METHODS, "buyer", "buying"),
    NavItem("invoices", "invoice", addresses.INVOICES, "finance", "buying"),
    NavItem("fapiao", "stamp", addresses.fapiao.FAPIAO, "finance", "buying"),
    NavItem("buyer_statements", "receipt", addresses.payments.STATEMENTS, "finance", "buying"),
    NavItem("spending", "wallet", addresses.SPENDING, "finance", "buying"),
    NavItem("billing_profiles", "building", addresses.BILLING_PROFILES, "billing", "buying"),
    NavItem("payers", "users", payer_addresses.PAYERS, "billing", "buying"),
    NavItem("payer_charges", "wallet", payer_addresses.CHARGES, "billing", "buying"),
    NavItem("purchase_rules", "split", addresses.PURCHASE_RULES, "buyer", "buying"),
    NavItem("seller", "home", addresses.SELLER, "seller", "selling"),
    NavItem("seller_videos", "video", addresses.SELLER_VIDEOS, "films", "selling"),
    NavItem("seller_live", "clock", addresses.live.SELLER_LIVE, "films", "selling"),
    NavItem("seller_orders", "receipt", addresses.SELLER_ORDERS, "sales", "selling"),
    NavItem("awaited_payments", "clock", addresses.payments.AWAITED, "sales", "selling"),
    NavItem("seller_services", "clock", addresses.services.SELLER_SERVICES, "sales", "selling"),
    NavItem("seller_leads", "user", addresses.SELLER_LEADS, "leads", "selling"),
    NavItem("card_responses", "message", card_addresses.RESPONSES, "leads", "selling"),
    NavItem("seller_offers", "tag", addresses.SELLER_OFFERS, "leads", "selling"),
    NavItem("seller_conversations", "message", conversation_addresses.SELLER_INBOX, "leads", "selling"),
    NavItem("seller_announcements", "bell", announcement_addresses.OWN, "leads", "selling"),
    NavItem("seller_tickets", "alert", ticket_addresses.SELLER_TICKETS, "leads", "selling"),
    NavItem("seller_customers", "users", addresses.SELLER_CUSTOMERS, "sales", "selling"),
    NavItem("seller_subscriptions", "refresh", addresses.SELLER_SUBSCRIPTIONS, "sales", "selling"),
    NavItem("seller_money", "wallet", addresses.SELLER_MONEY, "earnings", "selling"),
    NavItem("seller_invoices", "invoice", addresses.fapiao.ISSUED, "earnings", "selling"),
    NavItem("seller_fapiao", "stamp", addresses.fapiao.SELLER_FAPIAO, "earnings", "selling"),
    NavItem("seller_unbilled", "invoice", addresses.payments.SELLER_UNBILLED, "earnings", "selling"),
    NavItem("seller_deferred_revenue", "clock", addresses.books.SELLER_DEFERRED, "earnings", "selling"),
    NavItem("seller_refund_cases", "undo", addresses.refunds.SELLER_CASES, "earnings", "selling"),
    NavItem("seller_store_credits", "wallet", addresses.store_credits.SELLER_CREDITS, "earnings", "selling"),
    NavItem("seller_disputes", "alert", addresses.disputes.SELLER, "earnings", "selling"),
    NavItem("seller_listings", "box", addresses.SELLER_LISTINGS, "sales", "selling"),
    NavItem("seller_analytics", "gauge", analytics_addresses.FUNNEL, "sales", "selling"),
    NavItem("seller_reliability", "gauge", reliability_addresses.SELLER, "sales", "selling"),
    NavItem("seller_partners", "users", addresses.partners.SELLER_PARTNERS, "coupons", "selling"),
    NavItem("seller_promoter_plans", "share", addresses.policies.SELLER_PLANS, "coupons", "selling"),
    NavItem("own_halls", "building", addresses.halls.OWN_HALLS, "own_halls", "selling"),
    NavItem("coupons", "tag", addresses.coupons.COUPONS, "coupons", "selling"),
    NavItem("seller_start", "check", addresses.SELLER_START, "start", "selling"),
    NavItem("own_channel", "share", addresses.SELLER_CHANNEL, "own_channel", "promoting"),
    NavItem("seller_videos", "video", addresses.SELLER_VIDEOS, "channel_films", "promoting"),
    NavItem("seller_live", "clock", addresses.live.SELLER_LIVE, "channel_films", "promoting"),
    NavItem("training", "book", training_addresses.OWN, "asker", "organization"),
    NavItem("members", "user", addresses.MEMBERS, "members", "organization"),
    NavItem("trainings", "check", training_addresses.MANAGED, "members", "organization"),
    NavItem("own_group", "building", group_addresses.GROUP, "members", "organization"),
    NavItem("departments", "split", addresses.departments.DEPARTMENTS, "members", "organization"),
    NavItem("verification", "building", addresses.VERIFICATION, "verification", "organization"),
    NavItem("identity_provider", "key", addresses.IDENTITY_PROVIDER, "own_sign_in", "organization"),
    NavItem("approval_app", "stamp", approval_app_addresses.SETTINGS, "members", "organization"),
    NavItem("group_robots", "bell", group_robot_addresses.ROBOTS, "webhooks", "organization"),
    NavItem("webhooks", "split", addresses.WEBHOOKS, "webhooks", "organization"),
    NavItem("become_seller", "tag", addresses.SELLER_START, "become_seller", "organization"),
    NavItem("promoter", "wallet", addresses.PROMOTER, "promoter", "promoting"),
    NavItem("promoter_plans", "tag", addresses.policies.PLANS, "channel_films", "promoting"),
    NavItem("operator", "gauge", addresses.OPERATOR, "operator", "operating"),
    NavItem("operator_subscriptions", "refresh", addresses.OPERATOR_SUBSCRIPTIONS, "operator", "operating"),
    NavItem("operator_refund_cases", "undo", addresses.refunds.OPERATOR_CASES, "operator", "operating"),
    NavItem("operator_disputes", "alert", addresses.disputes.OPERATOR, "operator", "operating"),
    NavItem("operator_balances", "wallet", addresses.operating.BALANCES, "operator", "operating"),
    NavItem("bank", "wallet", bank_addresses.BANK, "operator", "operating"),
    NavItem("operator_on_account", "wallet", on_account_addresses.OPERATOR, "operator", "operating"),
    NavItem("seller_invoices", "invoice", addresses.fapiao.ISSUED, "issuing", "operating"),
    NavItem("seller_fapiao", "stamp", addresses.fapiao.SELLER_FAPIAO, "issuing", "operating"),
    NavItem("payout_batches", "bank", addresses.payouts.BATCHES, "payout_desk", "operating"),
    NavItem("payee_tax", "receipt", addresses.payouts.PAYEE_TAX, "payout_desk", "operating"),
    NavItem("operator_books", "book", addresses.books.BOOKS, "operator", "operating"),
    NavItem("operator_deferred_revenue", "clock", addresses.books.DEFERRED, "operator", "operating"),
    NavItem("operator_reconciliation", "check", addresses.books.RECONCILIATION, "operator", "operating"),
    NavItem("share_policies", "split", addresses.policies.VERSIONS, "operator", "operating"),
    NavItem("reference_rates", "split", addresses.operating.RATES, "operator", "operating"),
    NavItem("operator_tickets", "alert", ticket_addresses.OPERATOR_TICKETS, "operator", "operating"),
    NavItem("operator_services", "clock", addresses.services.OPERATOR_SERVICES, "operator", "operating"),
    NavItem("operator_sellers", "building", addresses.OPERATOR_SELLERS, "seller_reviews", "operating"),
    NavItem("tax_id_disputes", "split", addresses.TAX_ID_DISPUTES, "tax_id_disputes", "operating"),
    NavItem("email_domains", "key", addresses.EMAIL_DOMAINS, "email_domains", "operating"),
    NavItem("operator_reports", "message", addresses.OPERATOR_REPORTS, "seller_reviews", "operating"),
    NavItem("reviews", "stamp", addresses.REVIEWS, "reviewer", "operating"),
    NavItem("trace", "trace", addresses.TRACE, "tracer", "operating"),
)
BOTTOM_BAR_SIZE = 5


def rail(areas: frozenset[Area]) -> tuple[tuple[str, tuple[NavItem, ...]], ...]:
    """Groups of items open to a person with these areas; the channel is open to everybody."""
    groups: dict[str, list[NavItem]] = {}
    for item in ITEMS:
        if item.area == "channel" or item.area in areas:
            groups.setdefault(item.group, []).append(item)
    return tuple((name, tuple(items)) for name, items in groups.items())


def bottom_bar(areas: frozenset[Area], active: str) -> tuple[NavItem, ...]:
    """The phone's bar: the channel, then the tasks of the dashboard the page belongs to."""
    groups = dict(rail(areas))
    open_items = [item for items in groups.values() for item in items]
    own: str | None = next((item.group for item in open_items if item.key == active), None)
    here = next((name for name in groups if name != "channel"), "") if own in (None, "channel") else own
    items = groups.get("channel", ()) + groups.get(here or "", ())
    if len(items) > BOTTOM_BAR_SIZE:
        # An active item must stay visible, or the reader loses their place.
        items = tuple(sorted(items, key=lambda item: item.key not in ("feed", active)))[:BOTTOM_BAR_SIZE]
        items = tuple(item for item in ITEMS if item in items)
    return items
