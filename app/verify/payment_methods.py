"""Kept payment methods: whose they are, which one is offered first, and that what was removed is forgotten."""

from __future__ import annotations

from app.verify.rule import Query, late, pending

DEFAULT = Query(
    "payment_methods.default",
    "凡保存了支付方式的组织，恰有一种为默认。",
    "Of the methods that are kept for an organization exactly one is the default.",
    """
    SELECT org_id, count(*) AS kept, count(*) FILTER (WHERE is_default) AS defaults
    FROM billing.payment_method WHERE removed_at IS NULL
    GROUP BY org_id HAVING count(*) FILTER (WHERE is_default) <> 1
    """,
)
PAYER = Query(
    "payment_methods.payer",
    "每种保存的支付方式都属于渠道所识别的该组织。",
    "Every kept method is of an organization that its gateway has a name for.",
    """
    SELECT m.id AS payment_method_id, m.org_id, m.gateway
    FROM billing.payment_method m
    LEFT JOIN billing.gateway_customer c ON c.org_id = m.org_id AND c.gateway = m.gateway
    WHERE c.reference IS NULL
    """,
)
FORGOTTEN = Query(
    "payment_methods.forgotten",
    "移除的支付方式，其渠道也不再保存。",
    "What was removed is kept by its gateway no longer.",
    f"""
    SELECT id AS payment_method_id, gateway, removed_at FROM billing.payment_method
    WHERE removed_at < {late("org_id")} AND forgotten_at IS NULL AND NOT {pending("id")}
    """,  # noqa: S608 - every piece of it stands in this module
)
RULES = (DEFAULT, PAYER, FORGOTTEN)
