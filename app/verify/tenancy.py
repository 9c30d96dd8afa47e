"""Isolation: whose a row is, that the database keeps it so, and that the serving role cannot do otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from app.verify.rule import Query

BOTH = "buyer_org_id seller_org_id"
OF_PAYER, OF_GROUP = "org_id payer_org_id", "hq_org_id org_id"
OF_USER, OF_DEALER = "buyer_org_id end_customer_org_id", "dealer_org_id org_id"
OF_BOOTH, OF_BADGE, OF_CHANNEL = "org_id exhibitor_org_id", "org_id visitor_org_id", "channel_org_id seller_org_id"
KIN: tuple[tuple[str, str, str, str, str], ...] = (
    ("orders.purchase", "quote_id", "orders.quote", "buyer_org_id", "buyer_org_id"),
    ("marketplace.department", "parent_id", "marketplace.department", "org_id", "org_id"),
    ("marketplace.member", "department_id", "marketplace.department", "org_id", "org_id"),
    ("orders.purchase", "department_id", "marketplace.department", "buyer_org_id", "org_id"),
    ("orders.subscription", "department_id", "marketplace.department", "buyer_org_id", "org_id"),
    ("orders.quote", "offer_id", "orders.offer", "buyer_org_id", "buyer_org_id"),
    ("orders.offer", "lead_id", "marketplace.lead", BOTH, BOTH),
    ("orders.tier_offer", "tier_id", "marketplace.partner_tier", "seller_org_id", "seller_org_id"),
    ("orders.offer", "tier_offer_id", "orders.tier_offer", "seller_org_id", "seller_org_id"),
    ("orders.offer", "partner_link_id", "marketplace.partner_link", BOTH, BOTH),
    ("orders.offer_line", "offer_id", "orders.offer", BOTH, BOTH),
    ("orders.counter_offer", "offer_id", "orders.offer", BOTH, BOTH),
    ("orders.offer_approval", "offer_id", "orders.offer", "seller_org_id", "seller_org_id"),
    ("orders.offer_floor", "listing_id", "marketplace.listing", "seller_org_id", "org_id"),
    ("orders.offer_line", "plan_id", "marketplace.plan", "seller_org_id", "org_id"),
    ('orders."order"', "offer_id", "orders.offer", BOTH, BOTH),
    ("marketplace.demo_booking", "lead_id", "marketplace.lead", BOTH, BOTH),
    ("marketplace.partner_link", "tier_id", "marketplace.partner_tier", "seller_org_id", "seller_org_id"),
    ("marketplace.partner_link", "invitation_id", "marketplace.partner_invitation", "seller_org_id", "seller_org_id"),
    ("marketplace.partner_invitation", "tier_id", "marketplace.partner_tier", "seller_org_id", "seller_org_id"),
    ("marketplace.referral", "link_id", "marketplace.referral_link", "referrer_org_id", "org_id"),
    ("marketplace.partner_invitation", "list_id", "marketplace.dealer_list", "seller_org_id", "seller_org_id"),
    ("marketplace.tier_price", "tier_id", "marketplace.partner_tier", "seller_org_id", "seller_org_id"),
    ("marketplace.tier_price", "listing_id", "marketplace.listing", "seller_org_id", "org_id"),
    ("marketplace.circle_post", "member_id", "marketplace.circle_member", "org_id", "org_id"),
    ("marketplace.hall_booth", "hall_id", "marketplace.hall", "org_id", "org_id"),
    ("marketplace.hall_booth", "channel_id", "marketplace.channel", "exhibitor_org_id", "org_id"),
    ("marketplace.hall_booth_item", "booth_id", "marketplace.hall_booth", "exhibitor_org_id", "exhibitor_org_id"),
    ("marketplace.hall_booth_item", "listing_id", "marketplace.listing", "exhibitor_org_id", "org_id"),
    ("marketplace.hall_booth_item", "video_id", "marketplace.video", "exhibitor_org_id", "org_id"),
    ("marketplace.hall_agenda_item", "hall_id", "marketplace.hall", "org_id", "org_id"),
    ("marketplace.hall_badge", "hall_id", "marketplace.hall", "org_id", "org_id"),
    ("marketplace.hall_exchange", "booth_id", "marketplace.hall_booth", OF_BOOTH, OF_BOOTH),
    ("marketplace.hall_exchange", "badge_id", "marketplace.hall_badge", OF_BADGE, OF_BADGE),
    ("marketplace.hall_exchange", "lead_id", "marketplace.lead", "visitor_org_id exhibitor_org_id", BOTH),
    ("marketplace.robot_message", "robot_id", "marketplace.group_robot", "org_id", "org_id"),
    ("orders.announcement_delivery", "announcement_id", "orders.announcement", "seller_org_id", "seller_org_id"),
    ("orders.announcement_delivery", "message_id", "orders.conversation_message", BOTH, BOTH),
    ("orders.approval_app_member", "app_id", "orders.approval_app", "org_id", "org_id"),
    ("orders.outside_approval", "purchase_id", "orders.purchase", "buyer_org_id", "buyer_org_id"),
    ("orders.outside_approval", "app_id", "orders.approval_app", "buyer_org_id", "org_id"),
    ("orders.approval_callback", "app_id", "orders.approval_app", "org_id", "org_id"),
    ("orders.outside_answer", "callback_id", "orders.approval_callback", "org_id", "org_id"),
    ("orders.outside_answer", "outside_approval_id", "orders.outside_approval", "org_id", "buyer_org_id"),
    ('orders."order"', "end_customer_id", "marketplace.end_customer", OF_USER, OF_DEALER),
    ("fulfillment.entitlement", "end_customer_id", "marketplace.end_customer", OF_USER, OF_DEALER),
    ("fulfillment.seat_allocation", "end_customer_id", "marketplace.end_customer", OF_GROUP, OF_DEALER),
    ("orders.payer_charge", "purchase_id", "orders.purchase", "org_id", "buyer_org_id"),
    ("orders.payer_charge", "agreement_id", "marketplace.payer_agreement", OF_PAYER, OF_PAYER),
    ("orders.payer_method", "agreement_id", "marketplace.payer_agreement", "payer_org_id", "payer_org_id"),
    ("orders.approval", "purchase_id", "orders.purchase", "buyer_org_id", "buyer_org_id"),
    ('orders."order"', "purchase_id", "orders.purchase", "buyer_org_id", "buyer_org_id"),
    ("orders.order_line", "order_id", 'orders."order"', BOTH, BOTH),
    ("orders.order_line", "listing_id", "marketplace.listing", "seller_org_id", "org_id"),
    ("orders.order_line", "plan_id", "marketplace.plan", "seller_org_id", "org_id"),
    ("orders.attribution", "order_line_id", "orders.order_line", BOTH, BOTH),
    ("orders.sale_terms", "order_line_id", "orders.order_line", BOTH, BOTH),
    ("orders.subscription", "order_line_id", "orders.order_line", BOTH, BOTH),
    ("orders.subscription_term", "subscription_id", "orders.subscription", BOTH, BOTH),
    ("orders.amendment", "subscription_id", "orders.subscription", BOTH, BOTH),
    ("orders.sales_day", "listing_id", "marketplace.listing", "seller_org_id", "org_id"),
    ("orders.sales_day", "tier_id", "marketplace.partner_tier", "seller_org_id", "seller_org_id"),
    ("orders.amendment", "order_line_id", "orders.order_line", BOTH, BOTH),
    ("orders.refund_case", "order_id", 'orders."order"', BOTH, BOTH),
    ("orders.refund_evidence", "case_id", "orders.refund_case", BOTH, BOTH),
    ("orders.instalment", "subscription_id", "orders.subscription", BOTH, BOTH),
    ("orders.instalment", "order_line_id", "orders.order_line", BOTH, BOTH),
    ('orders."order"', "instalment_id", "orders.instalment", BOTH, BOTH),
    ("orders.ticket", "order_id", 'orders."order"', BOTH, BOTH),
    ("orders.ticket_handover", "ticket_id", "orders.ticket", "seller_org_id", "seller_org_id"),
    ("orders.ticket_message", "ticket_id", "orders.ticket", BOTH, BOTH),
    ("orders.conversation_message", "conversation_id", "orders.conversation", BOTH, BOTH),
    ("orders.conversation_message", "order_id", 'orders."order"', BOTH, BOTH),
    ("orders.milestone", "order_id", 'orders."order"', BOTH, BOTH),
    ("orders.milestone", "order_line_id", "orders.order_line", BOTH, BOTH),
    ("orders.milestone_delivery", "milestone_id", "orders.milestone", BOTH, BOTH),
    ("orders.milestone_file", "milestone_id", "orders.milestone", BOTH, BOTH),
    ("fulfillment.entitlement", "reference", "orders.order_line", BOTH, BOTH),
    ("fulfillment.run", "entitlement_id", "fulfillment.entitlement", BOTH, BOTH),
    ("fulfillment.run_attempt", "run_id", "fulfillment.run", BOTH, BOTH),
    ("fulfillment.seat", "entitlement_id", "fulfillment.entitlement", "org_id", "buyer_org_id"),
    ("fulfillment.seat_allocation", "entitlement_id", "fulfillment.entitlement", "hq_org_id", "buyer_org_id"),
    ("fulfillment.seat_allocation", "membership_id", "marketplace.group_membership", OF_GROUP, OF_GROUP),
    ("fulfillment.allocated_seat", "allocation_id", "fulfillment.seat_allocation", "org_id", "org_id"),
    ("fulfillment.usage_period", "entitlement_id", "fulfillment.entitlement", BOTH, BOTH),
    ("fulfillment.usage_event", "period_id", "fulfillment.usage_period", BOTH, BOTH),
    ("fulfillment.usage_line", "period_id", "fulfillment.usage_period", BOTH, BOTH),
    ("fulfillment.usage_challenge", "line_id", "fulfillment.usage_line", BOTH, BOTH),
    ("fulfillment.usage_cap", "entitlement_id", "fulfillment.entitlement", BOTH, BOTH),
    ('orders."order"', "usage_period_id", "fulfillment.usage_period", BOTH, BOTH),
    ("fulfillment.usage_period", "terms_id", "fulfillment.metered_terms", BOTH, BOTH),
    ("fulfillment.metered_terms", "entitlement_id", "fulfillment.entitlement", BOTH, BOTH),
    ("fulfillment.listing_reliability", "listing_id", "marketplace.listing", "seller_org_id", "org_id"),
    ("fulfillment.listing_pause", "listing_id", "marketplace.listing", "seller_org_id", "org_id"),
    ("fulfillment.customer_review", "entitlement_id", "fulfillment.entitlement", "org_id seller_org_id", BOTH),
    ("fulfillment.customer_review_revision", "review_id", "fulfillment.customer_review", "org_id", "org_id"),
    ("billing.payment", "reference", "orders.purchase", "payer_org_id", "buyer_org_id"),
    ("billing.payment_attempt", "payment_id", "billing.payment", "payer_org_id", "payer_org_id"),
    ("billing.payment_allocation", "payment_id", "billing.payment", "payer_org_id", "payer_org_id"),
    ("billing.payment_allocation", "reference", 'orders."order"', "payer_org_id seller_org_id", BOTH),
    ("billing.bank_transfer", "payment_id", "billing.payment", "payer_org_id", "payer_org_id"),
    ("billing.credit_hold", "payment_id", "billing.payment", "org_id", "payer_org_id"),
    ("billing.dunning_notice", "transfer_id", "billing.bank_transfer", "payer_org_id", "payer_org_id"),
    ("billing.credit_hold", "line_id", "billing.credit_line", "org_id", "org_id"),
    ("billing.charge", "reference", "orders.order_line", BOTH, BOTH),
    ("billing.charge", "part_reference", "orders.milestone", BOTH, BOTH),
    ("billing.share", "part_reference", "orders.milestone", "seller_org_id", "seller_org_id"),
    ("billing.charge", "allocation_id", "billing.payment_allocation", BOTH, "payer_org_id seller_org_id"),
    ("billing.refund", "allocation_id", "billing.payment_allocation", BOTH, "payer_org_id seller_org_id"),
    ("billing.refund_line", "refund_id", "billing.refund", BOTH, BOTH),
    ("billing.refund_line", "charge_id", "billing.charge", BOTH, BOTH),
    ("billing.refund_attempt", "refund_id", "billing.refund", BOTH, BOTH),
    ("billing.share", "charge_id", "billing.charge", "seller_org_id", "seller_org_id"),
    ("billing.share_reversal", "share_id", "billing.share", "org_id seller_org_id", "org_id seller_org_id"),
    ("billing.statement_line", "statement_id", "billing.statement", "org_id", "org_id"),
    ("billing.payout", "statement_id", "billing.statement", "org_id", "org_id"),
    ("billing.payout_attempt", "payout_id", "billing.payout", "org_id", "org_id"),
    ("billing.transfer_reversal", "payout_id", "billing.payout", "org_id", "org_id"),
    ("billing.transfer_reversal", "share_reversal_id", "billing.share_reversal", "org_id", "org_id"),
    ("billing.payout", "account_id", "marketplace.payout_account", "org_id", "org_id"),
    ("billing.payout_batch_entry", "payout_id", "billing.payout", "org_id", "org_id"),
    ("billing.payout_batch_entry", "account_id", "marketplace.payout_account", "org_id", "org_id"),
    ("billing.payout_report_line", "payout_id", "billing.payout", "org_id", "org_id"),
    ("billing.invoice_line", "invoice_id", "billing.invoice", BOTH, BOTH),
    ("orders.unbilled_order", "order_id", 'orders."order"', BOTH, BOTH),
    ("orders.unbilled_order", "reference", "orders.unbilled_order", "buyer_org_id", "buyer_org_id"),
    ("orders.unbilled_order", "billing_profile_id", "marketplace.billing_profile", "buyer_org_id", "org_id"),
    ("billing.invoice_line", "order_id", 'orders."order"', "buyer_org_id", "buyer_org_id"),
    ("billing.invoice", "original_invoice_id", "billing.invoice", BOTH, BOTH),
    ("billing.fapiao_source", "invoice_id", "billing.invoice", BOTH, BOTH),
    ("billing.fapiao_source", "request_id", "billing.fapiao_request", BOTH, BOTH),
    ("billing.fapiao", "request_id", "billing.fapiao_request", BOTH, BOTH),
    ("billing.fapiao", "original_id", "billing.fapiao", BOTH, BOTH),
    ("billing.fapiao_line", "fapiao_id", "billing.fapiao", BOTH, BOTH),
    ("billing.fapiao_line", "invoice_line_id", "billing.invoice_line", BOTH, BOTH),
    ("billing.red_letter", "fapiao_id", "billing.fapiao", BOTH, BOTH),
    ("billing.red_letter", "red_id", "billing.fapiao", BOTH, BOTH),
    ("billing.red_letter", "note_id", "billing.invoice", BOTH, BOTH),
    ("billing.red_letter", "refund_id", "billing.refund", "buyer_org_id", "buyer_org_id"),
    ("billing.promoter_plan", "listing_id", "marketplace.listing", "seller_org_id", "org_id"),
    ("billing.promoter_membership", "plan_id", "billing.promoter_plan", "seller_org_id", "seller_org_id"),
    ("billing.promoter_month", "plan_id", "billing.promoter_plan", "seller_org_id", "seller_org_id"),
    ("billing.invoice", "series_id", "billing.number_series", "seller_org_id", "org_id"),
    ("billing.posting", "account_id", "billing.ledger_account", "org_id", "org_id"),
    ("marketplace.plan", "version_id", "marketplace.listing_version", "org_id", "org_id"),
    ("marketplace.placement", "video_id", "marketplace.video", "org_id", "org_id"),
    ("marketplace.placement", "plan_id", "marketplace.plan", "seller_org_id", "org_id"),
    ("marketplace.claim", "placement_id", "marketplace.placement", "org_id", "org_id"),
    ("marketplace.lead", "channel_id", "marketplace.channel", "seller_org_id", "org_id"),
    ("marketplace.live_session", "video_id", "marketplace.video", "org_id", "org_id"),
    ("marketplace.live_item", "session_id", "marketplace.live_session", "org_id", "org_id"),
    ("marketplace.live_item", "plan_id", "marketplace.plan", "seller_org_id", "org_id"),
    ("marketplace.live_question", "session_id", "marketplace.live_session", "host_org_id", "org_id"),
    ("marketplace.live_explanation", "item_id", "marketplace.live_item", "org_id", "org_id"),
    ("marketplace.response_card", "video_id", "marketplace.video", "org_id", "org_id"),
    ("marketplace.card_response", "card_id", "marketplace.response_card", "org_id", "org_id"),
    ("marketplace.card_day", "card_id", "marketplace.response_card", "org_id", "org_id"),
    ("marketplace.touchpoint_day", "video_id", "marketplace.video", "channel_org_id", "org_id"),
    ("marketplace.touchpoint_day", "live_session_id", "marketplace.live_session", "channel_org_id", "org_id"),
    ("marketplace.touchpoint_day", "placement_id", "marketplace.placement", OF_CHANNEL, "org_id seller_org_id"),
    ("marketplace.training_video", "training_id", "marketplace.training", "org_id", "org_id"),
    ("marketplace.training_member", "training_id", "marketplace.training", "org_id", "org_id"),
)
"""Child table, its column that names a row of the parent table, and the organization columns that must agree."""

APPEND_ONLY = (
    "kernel.event",
    "kernel.state_history",
    "kernel.audit_entry",
    "marketplace.touchpoint",
    "marketplace.referral",
    "billing.ledger_account",
    "billing.ledger_transaction",
    "billing.posting",
    "billing.ledger_seal",
    "billing.ledger_seal_entry",
    "billing.statement_line",
    "billing.refund_line",
    "billing.invoice_line",
    "billing.share_policy",
    "orders.approval",
    "orders.approval_callback",
    "orders.outside_answer",
    "orders.order_line",
    "orders.attribution",
    "orders.offer_line",
    "orders.counter_offer",
    "orders.sale_terms",
    "marketplace.agreement_acceptance",
    "marketplace.lead_message",
    "marketplace.lead_note",
    "fulfillment.customer_review_revision",
    "fulfillment.usage_event",
    "fulfillment.usage_key",
    "fulfillment.usage_line",
    "orders.refund_evidence",
    "orders.conversation_message",
    "orders.ticket_handover",
    "orders.ticket_message",
    "orders.dispute_evidence",
    "billing.bank_statement",
    "billing.bank_assignment",
    "billing.transfer_credit",
    "billing.fapiao_line",
    "billing.fapiao_source",
    "billing.payout_report",
    "billing.payout_report_line",
    "billing.reconciliation_run",
    "orders.buyer_statement",
)
"""What is added and never changed."""
UNDELETABLE = (
    "billing.payment",
    "billing.payment_attempt",
    "billing.payment_allocation",
    "billing.charge",
    "billing.refund",
    "billing.refund_attempt",
    "billing.number_series",
    "billing.invoice",
    "billing.statement",
    "billing.share",
    "billing.share_reversal",
    "billing.payout",
    "billing.payout_attempt",
    "billing.payee_tax_profile",
    "billing.statement_adjustment",
    "billing.sandbox_operation",
    "billing.dispute",
    "billing.incident",
    "billing.gateway_balance_entry",
    "billing.fapiao_request",
    "billing.fapiao",
    "billing.red_letter",
    "billing.payout_batch",
    "billing.payout_batch_entry",
    "billing.share_policy_version",
    "billing.transfer_reversal",
    "billing.reference_rate",
)
"""What changes its state but never goes away."""
SCHEMAS = ("kernel", "marketplace", "fulfillment", "billing", "orders")


def _kin() -> str:
    return " UNION ALL ".join(
        f"SELECT CAST('{child}' AS text) AS table_name, to_jsonb(c) ->> 'id' AS id, CAST('{parent}' AS text) AS parent_table, "  # noqa: S608 - names from the table above
        f"p.id AS parent_id "
        f"FROM {child} c JOIN {parent} p ON p.id = c.{column} "
        f"WHERE ({_columns('c', mine)}) IS DISTINCT FROM ({_columns('p', theirs)})"
        for child, column, parent, mine, theirs in KIN
    )


def _columns(alias: str, names: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in names.split())


def _schemas() -> Mapping[str, Any]:
    return {"schemas": list(SCHEMAS)}


def _kept() -> Mapping[str, Any]:
    kept = [{"name": name, "rights": "UPDATE,DELETE,TRUNCATE"} for name in APPEND_ONLY]
    kept += [{"name": name, "rights": "DELETE,TRUNCATE"} for name in UNDELETABLE]
    return {"kept": json.dumps(kept)}


AGREE = Query(
    "tenancy.rows_agree",
    "每条记录所属的组织与其上级记录一致。",
    "Every row belongs to the organizations of the row it is part of.",
    _kin(),
)
ISOLATED = Query(
    "tenancy.row_security",
    "凡含组织的表都启用并强制行级安全，且策略按组织筛选。",
    "Every table with an organization's rows has row level security, forced, with a policy that asks for it.",
    """
    SELECT n.nspname || '.' || c.relname AS table_name, c.relrowsecurity, c.relforcerowsecurity
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY(:schemas) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND (EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                   AND a.attname ~ '(^|_)org_ids?$') OR c.relname IN ('organization', 'person'))
      AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
          SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid
          AND pg_get_expr(p.polqual, p.polrelid) ~ 'is_platform|current_org'))
    """,
    _schemas,
)
ROLE = Query(
    "tenancy.serving_role",
    "服务角色不是超级用户，不能绕过行级安全，不拥有任何表，也接触不到分区本身。",
    "The serving role is no superuser, bypasses nothing, owns nothing and reaches no partition directly.",
    """
    SELECT 'role' AS what, rolname::text AS name FROM pg_roles
    WHERE rolname = :role AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb)
    UNION ALL
    SELECT CASE WHEN pg_has_role(CAST(:role AS name), c.relowner, 'USAGE') THEN 'owner' ELSE 'partition' END,
           n.nspname || '.' || c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY(:schemas) AND c.relkind IN ('r', 'p') AND (
        pg_has_role(CAST(:role AS name), c.relowner, 'USAGE')
        OR (c.relispartition AND has_table_privilege(CAST(:role AS name), c.oid, 'SELECT,INSERT,UPDATE,DELETE,TRUNCATE')))
    """,
    _schemas,
)
KEPT = Query(
    "books.kept",
    "账簿、历史与已签发的明细只增不改：服务角色无权更改或删除。",
    "Books, histories and issued lines are only added to: the serving role may neither change nor delete them.",
    """
    SELECT k.name AS table_name, k.rights FROM jsonb_to_recordset(CAST(:kept AS jsonb)) AS k(name text, rights text)
    WHERE to_regclass(k.name) IS NULL OR has_table_privilege(CAST(:role AS name), k.name, k.rights)
       OR (k.rights LIKE 'UPDATE%' AND has_any_column_privilege(CAST(:role AS name), k.name, 'UPDATE'))
       OR NOT EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = to_regclass(k.name) AND NOT t.tgisinternal
                      AND t.tgname ~ '_(append_only|undeletable)$')
    """,
    _kept,
)
ENFORCED = Query(
    "structure.enforced",
    "数据库的触发器、约束与索引全部有效。",
    "Every trigger is on, every constraint validated, every index valid.",
    """
    SELECT 'trigger' AS what, t.tgrelid::regclass::text || '.' || t.tgname AS name
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY(:schemas) AND t.tgenabled IN ('D', 'R')
    UNION ALL
    SELECT 'constraint', k.conrelid::regclass::text || '.' || k.conname
    FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
    WHERE n.nspname = ANY(:schemas) AND NOT k.convalidated
    UNION ALL
    SELECT 'index', i.indexrelid::regclass::text
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY(:schemas) AND NOT (i.indisvalid AND i.indisready)
    """,
    _schemas,
)

RULES = (AGREE, ISOLATED, ROLE, KEPT, ENFORCED)
