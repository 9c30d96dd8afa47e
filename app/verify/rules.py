"""All rules, in the order in which they are shown: money first."""

from __future__ import annotations

from app.verify import (
    bank,
    books,
    catalogue,
    coupons,
    courses,
    delivery,
    disputes,
    documents,
    fapiao,
    files,
    heads,
    histories,
    instalments,
    jobs,
    ledger,
    milestones,
    offers,
    orders,
    partners,
    payment_methods,
    payments,
    payout_batches,
    refund_cases,
    refunds,
    seller_log,
    settlement,
    store_credit,
    subscriptions,
    tenancy,
    usage,
    webhooks,
)
from app.verify.rule import Comparison, Rule

RULES: tuple[Rule, ...] = (
    *ledger.RULES,
    *books.RULES,
    *payments.RULES,
    *payment_methods.RULES,
    *refunds.RULES,
    *refund_cases.RULES,
    *store_credit.RULES,
    *bank.RULES,
    *disputes.RULES,
    *settlement.RULES,
    *payout_batches.RULES,
    *documents.RULES,
    *fapiao.RULES,
    *orders.RULES,
    *coupons.RULES,
    *offers.RULES,
    *partners.RULES,
    *subscriptions.RULES,
    *instalments.RULES,
    *milestones.RULES,
    *usage.RULES,
    *delivery.RULES,
    *courses.RULES,
    *histories.RULES,
    *jobs.RULES,
    *webhooks.RULES,
    *tenancy.RULES,
    *catalogue.RULES,
)
"""What the database alone can show."""
COMPARISONS: tuple[Comparison, ...] = (*files.COMPARISONS, *heads.COMPARISONS, *seller_log.COMPARISONS)
"""What needs files or a seller's log beside it."""
EVERY: tuple[Rule | Comparison, ...] = (*RULES, *COMPARISONS)
