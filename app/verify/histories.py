"""State histories: every transition is one the tables list, and the present state is where they lead."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import billing.accounting_periods.models
import billing.bank.models
import billing.connected_accounts.models
import billing.credit_lines.models
import billing.disputes.models
import billing.fapiao.models
import billing.incidents.models
import billing.invoices.models
import billing.payments.models
import billing.payout_batches.models
import billing.payouts.models
import billing.promoter_plans.models
import billing.reconciliation.models
import billing.refunds.models
import billing.shares.models
import billing.statements.models
import fulfillment.customer_reviews.models
import fulfillment.entitlements.models
import fulfillment.reliability.models
import fulfillment.runs.models
import fulfillment.usage.models
import marketplace.access.models
import marketplace.catalog.models
import marketplace.circles.models
import marketplace.circles.post_models
import marketplace.content_reports.models
import marketplace.demos.models
import marketplace.end_customers.models
import marketplace.groups.models
import marketplace.halls.models
import marketplace.halls.visitor_models
import marketplace.identity_providers.models
import marketplace.leads.models
import marketplace.live.models
import marketplace.live.question_models
import marketplace.onboarding.models
import marketplace.parties.models
import marketplace.payers.models
import marketplace.questions.models
import marketplace.reactions.models
import marketplace.relations.dealer_list_models
import marketplace.relations.partner_models
import marketplace.response_cards.models
import marketplace.robots.models
import marketplace.test_clocks.models
import marketplace.videos.models
import marketplace.webhooks.models
import orders.amendments.models
import orders.announcements.models
import orders.approval_apps.models
import orders.checkout.models
import orders.checkout.payer_models
import orders.conversations.models
import orders.offers.models
import orders.offers.tier_offer_models
import orders.order.instalments
import orders.order.milestones
import orders.order.models
import orders.order_sheets.models
import orders.refunds.models
import orders.tickets.models
from app.verify.rule import Query
from kernel.states import machines
from migrations.partitions import kept_since

TABLES = {
    billing.connected_accounts.models.CONNECTED_ACCOUNT.name: "billing.connected_account",
    billing.bank.models.AWAITED_TRANSFER.name: "billing.bank_transfer",
    billing.bank.models.OUTGOING_TRANSFER.name: "billing.bank_outgoing",
    billing.bank.models.RETURNED_TRANSFER.name: "billing.bank_return",
    billing.credit_lines.models.CREDIT_LINE.name: "billing.credit_line",
    billing.credit_lines.models.CREDIT_HOLD.name: "billing.credit_hold",
    billing.accounting_periods.models.ACCOUNTING_PERIOD.name: "billing.accounting_period",
    billing.reconciliation.models.RECONCILIATION_DIFFERENCE.name: "billing.reconciliation_difference",
    billing.payouts.models.TRANSFER_REVERSAL.name: "billing.transfer_reversal",
    billing.disputes.models.DISPUTE.name: "billing.dispute",
    billing.disputes.models.DISPUTE_SUBMISSION.name: "billing.dispute_submission",
    billing.incidents.models.INCIDENT.name: "billing.incident",
    billing.fapiao.models.FAPIAO_REQUEST.name: "billing.fapiao_request",
    billing.fapiao.models.RED_LETTER.name: "billing.red_letter",
    billing.invoices.models.INVOICE.name: "billing.invoice",
    billing.payments.models.PAYMENT.name: "billing.payment",
    billing.payouts.models.PAYOUT.name: "billing.payout",
    billing.payout_batches.models.PAYOUT_BATCH.name: "billing.payout_batch",
    billing.promoter_plans.models.PROMOTER_MEMBERSHIP.name: "billing.promoter_membership",
    billing.refunds.models.REFUND.name: "billing.refund",
    billing.shares.models.SHARE.name: "billing.share",
    billing.shares.models.SHARE_POLICY_VERSION.name: "billing.share_policy_version",
    billing.statements.models.STATEMENT.name: "billing.statement",
    fulfillment.runs.models.RUN.name: "fulfillment.run",
    fulfillment.entitlements.models.ENTITLEMENT.name: "fulfillment.entitlement",
    fulfillment.reliability.models.LISTING_PAUSE.name: "fulfillment.listing_pause",
    fulfillment.usage.models.USAGE_PERIOD.name: "fulfillment.usage_period",
    fulfillment.usage.models.USAGE_CHALLENGE.name: "fulfillment.usage_challenge",
    fulfillment.customer_reviews.models.CUSTOMER_REVIEW.name: "fulfillment.customer_review",
    marketplace.catalog.models.LISTING.name: "marketplace.listing",
    marketplace.relations.partner_models.PARTNER_LINK.name: "marketplace.partner_link",
    marketplace.payers.models.PAYER_AGREEMENT.name: "marketplace.payer_agreement",
    marketplace.groups.models.GROUP_MEMBERSHIP.name: "marketplace.group_membership",
    marketplace.end_customers.models.END_CUSTOMER.name: "marketplace.end_customer",
    orders.checkout.payer_models.PAYER_CHARGE.name: "orders.payer_charge",
    marketplace.catalog.models.VERSION.name: "marketplace.listing_version",
    marketplace.catalog.models.PLAN.name: "marketplace.plan",
    marketplace.content_reports.models.CONTENT_REPORT.name: "marketplace.content_report",
    marketplace.onboarding.models.LEGAL_PROOF.name: "marketplace.legal_proof",
    marketplace.parties.models.TAX_ID_DISPUTE.name: "marketplace.tax_id_dispute",
    marketplace.identity_providers.models.EMAIL_DOMAIN.name: "marketplace.email_domain",
    marketplace.leads.models.LEAD.name: "marketplace.lead",
    marketplace.live.models.LIVE_SESSION.name: "marketplace.live_session",
    marketplace.live.question_models.LIVE_QUESTION.name: "marketplace.live_question",
    marketplace.webhooks.models.WEBHOOK_ENDPOINT.name: "marketplace.webhook_endpoint",
    marketplace.robots.models.GROUP_ROBOT.name: "marketplace.group_robot",
    marketplace.test_clocks.models.TEST_CLOCK.name: "marketplace.test_clock",
    marketplace.demos.models.DEMO.name: "marketplace.demo_booking",
    marketplace.circles.models.CIRCLE_MEMBER.name: "marketplace.circle_member",
    marketplace.circles.post_models.CIRCLE_POST.name: "marketplace.circle_post",
    marketplace.halls.models.HALL.name: "marketplace.hall",
    marketplace.halls.models.BOOTH.name: "marketplace.hall_booth",
    marketplace.halls.visitor_models.BADGE.name: "marketplace.hall_badge",
    marketplace.halls.visitor_models.EXCHANGE.name: "marketplace.hall_exchange",
    orders.offers.models.OFFER.name: "orders.offer",
    orders.offers.tier_offer_models.TIER_OFFER.name: "orders.tier_offer",
    orders.order_sheets.models.ORDER_SHEET.name: "orders.order_sheet",
    marketplace.relations.dealer_list_models.DEALER_LIST.name: "marketplace.dealer_list",
    orders.order.instalments.INSTALMENT.name: "orders.instalment",
    marketplace.parties.models.ORGANIZATION.name: "marketplace.organization",
    marketplace.access.models.INVITATION.name: "marketplace.invitation",
    marketplace.access.models.OWNERSHIP_TRANSFER.name: "marketplace.ownership_transfer",
    marketplace.access.models.MEMBER.name: "marketplace.member",
    marketplace.questions.models.PRODUCT_QUESTION.name: "marketplace.product_question",
    marketplace.reactions.models.COMMENT.name: "marketplace.comment",
    marketplace.response_cards.models.CARD_RESPONSE.name: "marketplace.card_response",
    marketplace.videos.models.VIDEO.name: "marketplace.video",
    orders.order.models.ORDER.name: 'orders."order"',
    orders.checkout.models.PURCHASE.name: "orders.purchase",
    orders.order.models.SUBSCRIPTION.name: "orders.subscription",
    orders.order.milestones.MILESTONE.name: "orders.milestone",
    orders.amendments.models.AMENDMENT.name: "orders.amendment",
    orders.announcements.models.ANNOUNCEMENT.name: "orders.announcement",
    orders.tickets.models.TICKET.name: "orders.ticket",
    orders.approval_apps.models.OUTSIDE_APPROVAL.name: "orders.outside_approval",
    orders.conversations.models.CONVERSATION.name: "orders.conversation",
    orders.refunds.models.REFUND_CASE.name: "orders.refund_case",
}
"""Whose state each machine moves."""


def _edges() -> Mapping[str, Any]:
    listed = [
        {"machine": machine.name, "source": source, "target": target}
        for machine in machines.values()
        for source, targets in machine.edges.items()
        for target in targets
    ]
    begun = [
        {"machine": machine.name, "source": None, "target": initial}
        for machine in machines.values()
        for initial in machine.initial
    ]
    return {"edges": json.dumps(listed + begun)}


MADE_AT = {"billing.share": "captured_at", "billing.statement": "closed_at"}
"""When a row was made, where the column is not called `created_at`."""


def _present() -> str:
    return " UNION ALL ".join(
        f"SELECT CAST('{machine}' AS text) AS machine, id, state, {MADE_AT.get(table, 'created_at')} AS made_at FROM {table}"  # noqa: S608 - names from the table above
        + (" WHERE NOT is_platform" if table == "marketplace.organization" else "")
        for machine, table in TABLES.items()
    )


LEGAL = Query(
    "states.legal",
    "历史中的每一次状态变化都是流转表所允许的。",
    "Every transition ever made is one that the transition tables list.",
    """
    SELECT h.machine, h.subject_id, h.from_state, h.to_state, h.at, h.actor FROM kernel.state_history h
    WHERE NOT EXISTS (
        SELECT 1 FROM jsonb_to_recordset(CAST(:edges AS jsonb)) AS e(machine text, source text, target text)
        WHERE e.machine = h.machine AND e.source IS NOT DISTINCT FROM h.from_state AND e.target = h.to_state)
    """,
    _edges,
)
# Several transitions may carry the same instant, so their order is not read off the rows. Taken as edges, they are one
# walk from nothing to the present state exactly when each state was entered as often as left, but for the present one.
# Of what is older than histories are kept, the beginning is gone: one state was left more often than it was entered.
WALKED = Query(
    "states.walked",
    "每个对象的状态历史从创建连贯地走到当前状态。",
    "The history of everything that has states leads from its beginning to its present state.",
    f"""
    WITH steps AS (
        SELECT machine, subject_id, state, sum(n) AS n FROM (
            SELECT machine, subject_id, to_state AS state, 1 AS n FROM kernel.state_history
            UNION ALL
            SELECT machine, subject_id, from_state, -1 FROM kernel.state_history WHERE from_state IS NOT NULL
        ) moves GROUP BY 1, 2, 3 HAVING sum(n) <> 0
    )
    SELECT p.machine, p.id, p.state, array_agg(s.state) AS led_to
    FROM ({_present()}) p LEFT JOIN steps s ON s.machine = p.machine AND s.subject_id = p.id
    GROUP BY 1, 2, 3, p.made_at
    HAVING CASE WHEN p.made_at < :since
        THEN coalesce(bool_or(s.n > 0 AND (s.state <> p.state OR s.n <> 1)), false)
             OR coalesce(sum(s.n) FILTER (WHERE s.n < 0), 0) < -1
        ELSE count(s.state) <> 1 OR min(s.state) <> p.state OR min(s.n) <> 1 END
    """,  # noqa: S608 - (same)
    lambda: {"since": kept_since("kernel.state_history")},
)

RULES = (LEGAL, WALKED)
