"""What people are told of, in groups for which each may choose how. The words are in `texts/`.

A group's *level* says how much a person would like: nothing, a notification in the product, the same and a daily digest by
mail, or the same and a mail at once. Only kinds that are `mailed` ever leave by mail: those on which somebody has to act, or
which they would miss. What concerns the safety of an account cannot be switched off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

Level = Literal["none", "in_app", "digest", "mail"]
LEVELS: Final[tuple[Level, ...]] = get_args(Level)
MailWhen = Literal["none", "at_once", "digest"]


@dataclass(frozen=True, slots=True)
class Group:
    """Kinds that a person chooses a level for together."""

    name: str
    default: Level
    essential: bool = False
    """Nobody can switch it off: whoever took an account over would do so first."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of notification."""

    name: str
    group: Group
    mailed: bool = True


_APPROVALS: Final = Group("approvals", "mail")
_ORDERS: Final = Group("orders", "mail")
_INVOICES: Final = Group("invoices", "digest")
_SALES: Final = Group("sales", "mail")
_LEADS: Final = Group("leads", "mail")
_REQUESTS: Final = Group("requests", "mail")
_LISTINGS: Final = Group("listings", "mail")
_MONEY: Final = Group("money", "mail")
_ORGANIZATION: Final = Group("organization", "digest")
_OPERATIONS: Final = Group("operations", "in_app")
_SECURITY: Final = Group("security", "mail", essential=True)

GROUPS: Final[Mapping[str, Group]] = {
    group.name: group
    for group in (
        _APPROVALS,
        _ORDERS,
        _INVOICES,
        _REQUESTS,
        _SALES,
        _LEADS,
        _LISTINGS,
        _MONEY,
        _ORGANIZATION,
        _OPERATIONS,
        _SECURITY,
    )
}

KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind("approval_asked", _APPROVALS),
        Kind("purchase_approved", _APPROVALS),
        Kind("purchase_rejected", _APPROVALS),
        Kind("purchase_expired", _APPROVALS),
        Kind("purchase_cancelled", _APPROVALS),
        Kind("approval_withdrawn", _APPROVALS),
        Kind("deputy_appointed", _APPROVALS),
        Kind("own_deputy_appointed", _APPROVALS),
        Kind("deputy_ended", _APPROVALS),
        Kind("own_deputy_ended", _APPROVALS),
        Kind("outside_answer_not_counted", _APPROVALS),
        Kind("outside_approval_failed", _APPROVALS),
        Kind("order_paid", _ORDERS, mailed=False),
        Kind("order_active", _ORDERS),
        Kind("renewal_paid", _ORDERS, mailed=False),
        Kind("change_paid", _ORDERS, mailed=False),
        Kind("usage_paid", _ORDERS, mailed=False),
        Kind("instalment_paid", _ORDERS, mailed=False),
        Kind("trial_begun", _ORDERS),
        Kind("payment_failed", _ORDERS),
        Kind("transfer_reminded", _ORDERS),
        Kind("payment_waits", _ORDERS),
        Kind("delivery_failed", _ORDERS),
        Kind("change_failed", _ORDERS),
        Kind("renewal_failed", _ORDERS),
        Kind("change_lapsed", _ORDERS),
        Kind("change_too_late", _ORDERS),
        Kind("refund_sent", _ORDERS),
        Kind("refund_refused", _ORDERS),
        Kind("refund_escalated", _ORDERS),
        Kind("refund_granted", _ORDERS),
        Kind("credit_offered", _ORDERS),
        Kind("credit_granted", _ORDERS),
        Kind("credit_given", _ORDERS),
        Kind("refund_rejected", _ORDERS),
        Kind("dispute_noticed", _ORDERS),
        Kind("dispute_bank_told", _ORDERS),
        Kind("dispute_for_buyer", _ORDERS),
        Kind("dispute_for_seller", _ORDERS),
        Kind("subscription_ends", _ORDERS),
        Kind("subscription_renews", _ORDERS),
        Kind("contract_ends", _ORDERS),
        Kind("subscription_ended", _ORDERS),
        Kind("subscription_terminated", _ORDERS),
        Kind("usage_terminated", _ORDERS),
        Kind("data_kept_ends", _ORDERS),
        Kind("renewal_refused", _ORDERS),
        Kind("subscription_past_due", _ORDERS),
        Kind("subscription_suspended", _ORDERS),
        Kind("trial_ends", _ORDERS),
        Kind("trial_converts", _ORDERS),
        Kind("trial_extended", _ORDERS),
        Kind("course_ready", _ORDERS),
        Kind("usage_alerted", _ORDERS),
        Kind("usage_cap_met", _ORDERS),
        Kind("usage_cap_stops", _ORDERS),
        Kind("usage_confirmed", _ORDERS),
        Kind("usage_corrected", _ORDERS),
        Kind("usage_charged", _ORDERS, mailed=False),
        Kind("usage_unpaid", _ORDERS),
        Kind("instalment_near", _ORDERS),
        Kind("instalment_unpaid", _ORDERS),
        Kind("service_taken_on", _ORDERS),
        Kind("milestone_delivered", _ORDERS),
        Kind("milestone_acceptance_near", _ORDERS),
        Kind("milestone_accepted_by_clock", _ORDERS),
        Kind("milestone_late", _ORDERS),
        Kind("milestone_cancelled", _ORDERS),
        Kind("service_ordered", _SALES),
        Kind("milestone_rework_asked", _SALES),
        Kind("milestone_accepted", _SALES),
        Kind("milestone_overdue", _SALES),
        Kind("milestone_lost", _SALES),
        Kind("customer_renewal_refused", _SALES),
        Kind("customer_contract_ends", _SALES),
        Kind("dispute_against_sale", _SALES),
        Kind("dispute_sale_kept", _SALES),
        Kind("dispute_sale_lost", _SALES),
        Kind("usage_questioned", _SALES),
        Kind("refund_asked", _SALES),
        Kind("refund_escalated_to_us", _SALES),
        Kind("refund_granted_over_seller", _SALES),
        Kind("refund_not_owed", _SALES),
        Kind("credit_declined", _SALES),
        Kind("credit_taken", _SALES),
        Kind("invoice_issued", _INVOICES),
        Kind("credit_note_issued", _INVOICES),
        Kind("title_corrected", _INVOICES),
        Kind("fapiao_issued", _INVOICES),
        Kind("fapiao_failed", _MONEY),
        Kind("red_letter_to_buyer", _MONEY),
        Kind("red_letter_to_seller", _MONEY),
        Kind("red_fapiao_issued", _INVOICES),
        Kind("order_received", _SALES, mailed=False),
        Kind("renewal_received", _SALES, mailed=False),
        Kind("change_received", _SALES, mailed=False),
        Kind("usage_received", _SALES, mailed=False),
        Kind("instalment_received", _SALES, mailed=False),
        Kind("customer_past_due", _SALES, mailed=False),
        Kind("customer_suspended", _SALES, mailed=False),
        Kind("trial_taken", _SALES, mailed=False),
        Kind("coupon_used_up", _SALES),
        Kind("coupon_ends", _SALES),
        Kind("circle_join_asked", _REQUESTS),
        Kind("circle_join_accepted", _REQUESTS),
        Kind("circle_join_declined", _REQUESTS, mailed=False),
        Kind("circle_post_waits", _REQUESTS),
        Kind("circle_post_shown", _REQUESTS, mailed=False),
        Kind("circle_post_hidden", _REQUESTS, mailed=False),
        Kind("badge_asked", _REQUESTS),
        Kind("badge_revoked", _LEADS, mailed=False),
        Kind("booth_invited", _SALES),
        Kind("booth_accepted", _SALES),
        Kind("booth_declined", _SALES),
        Kind("partner_asked_by_seller", _REQUESTS),
        Kind("partner_invited", _REQUESTS),
        Kind("partner_territory_set", _REQUESTS),
        Kind("organization_referred", _REQUESTS),
        Kind("partner_accepted_by_seller", _REQUESTS),
        Kind("partner_declined_by_seller", _REQUESTS),
        Kind("partner_ended_by_seller", _REQUESTS),
        Kind("partner_asked_by_partner", _SALES),
        Kind("partner_accepted_by_partner", _SALES),
        Kind("partner_declined_by_partner", _SALES),
        Kind("partner_ended_by_partner", _SALES),
        Kind("payer_offered", _REQUESTS),
        Kind("payer_asked", _REQUESTS),
        Kind("payer_accepted", _REQUESTS),
        Kind("payer_accepted_by_orderer", _REQUESTS),
        Kind("payer_limits_changed", _REQUESTS),
        Kind("payer_charge_asked", _APPROVALS),
        Kind("payer_method_failed", _APPROVALS),
        Kind("payer_charge_declined", _ORDERS),
        Kind("payer_charge_refused", _ORDERS),
        Kind("payer_ended", _REQUESTS),
        Kind("payer_ended_by_orderer", _REQUESTS),
        Kind("payer_refused", _REQUESTS),
        Kind("end_customer_asked", _REQUESTS),
        Kind("end_customer_confirmed", _REQUESTS),
        Kind("end_customer_refused", _REQUESTS),
        Kind("end_customer_ended_by_dealer", _REQUESTS),
        Kind("end_customer_ended_by_customer", _REQUESTS),
        Kind("end_customer_supplied", _ORGANIZATION),
        Kind("end_customer_seats_changed", _ORGANIZATION),
        Kind("end_customer_use_ended", _ORGANIZATION),
        Kind("seats_allocated", _ORGANIZATION),
        Kind("allocation_ended", _ORGANIZATION),
        Kind("allocated_seat_ended", _ORGANIZATION),
        Kind("allocated_seat_given", _ORGANIZATION),
        Kind("group_requested_by_hq", _ORGANIZATION),
        Kind("group_requested_by_member", _ORGANIZATION),
        Kind("group_accepted_by_hq", _ORGANIZATION),
        Kind("group_accepted_by_member", _ORGANIZATION),
        Kind("group_declined_by_hq", _ORGANIZATION),
        Kind("group_declined_by_member", _ORGANIZATION),
        Kind("group_ended_by_hq", _ORGANIZATION),
        Kind("group_ended_by_member", _ORGANIZATION),
        Kind("group_rights_changed_by_member", _ORGANIZATION),
        Kind("promoter_asked_by_seller", _REQUESTS),
        Kind("promoter_accepted_by_seller", _REQUESTS),
        Kind("promoter_declined_by_seller", _REQUESTS),
        Kind("promoter_asked_by_promoter", _SALES),
        Kind("promoter_accepted_by_promoter", _SALES),
        Kind("promoter_declined_by_promoter", _SALES),
        Kind("run_failed", _SALES),
        Kind("change_not_made", _SALES),
        Kind("change_too_late_here", _SALES),
        Kind("renewal_not_made", _SALES),
        Kind("customer_terminated", _SALES),
        Kind("lead_arrived", _LEADS),
        Kind("lead_written", _LEADS),
        Kind("lead_assigned", _LEADS),
        Kind("card_answered", _LEADS),
        Kind("training_assigned", _ORGANIZATION),
        Kind("training_near_due", _ORGANIZATION),
        Kind("request_answered", _REQUESTS),
        Kind("ticket_answered", _REQUESTS),
        Kind("ticket_resolved", _REQUESTS),
        Kind("ticket_opened", _LEADS),
        Kind("ticket_written", _LEADS),
        Kind("ticket_handed_over", _LEADS),
        Kind("ticket_breached", _LEADS),
        Kind("ticket_rated", _LEADS, mailed=False),
        Kind("ticket_escalated", _OPERATIONS),
        Kind("conversation_answered", _REQUESTS),
        Kind("announcement_received", _REQUESTS, mailed=False),
        Kind("conversation_written", _LEADS),
        Kind("conversation_handed_over", _LEADS),
        Kind("offer_made", _REQUESTS),
        Kind("offer_withdrawn", _REQUESTS),
        Kind("offer_accepted", _LEADS),
        Kind("offer_reopened", _LEADS),
        Kind("offer_declined", _LEADS),
        Kind("offer_countered", _LEADS),
        Kind("offer_approval_asked", _LEADS),
        Kind("offer_approved", _LEADS),
        Kind("offer_rejected", _LEADS),
        Kind("listing_published", _LISTINGS),
        Kind("listing_rejected", _LISTINGS),
        Kind("listing_suspended", _LISTINGS),
        Kind("listing_resumed", _LISTINGS),
        Kind("listing_paused", _LISTINGS),
        Kind("legal_proof_approved", _ORGANIZATION),
        Kind("legal_proof_rejected", _ORGANIZATION),
        Kind("video_not_published", _LISTINGS),
        Kind("comment_added", _LISTINGS, mailed=False),
        *(
            Kind(name, _REQUESTS)
            for name in ("live_starts_soon", "live_started", "live_cancelled", "live_question_answered")
        ),
        Kind("customer_review_written", _LISTINGS),
        Kind("question_asked", _LISTINGS),
        Kind("question_answered", _REQUESTS),
        Kind("customer_review_answered", _REQUESTS),
        Kind("report_upheld", _REQUESTS),
        Kind("report_dismissed", _REQUESTS),
        Kind("content_removed", _LISTINGS),
        *(Kind(name, _ORDERS) for name in ("credit_line_granted", "credit_line_declined", "credit_line_closed")),
        *(Kind(name, _ORDERS) for name in ("owed_due_soon", "owed_overdue")),
        Kind("statement_closed", _MONEY),
        Kind("payout_sent", _MONEY),
        Kind("payout_failed", _MONEY),
        Kind("payout_returned", _MONEY),
        Kind("payout_account_replaced", _MONEY),
        Kind("gateway_account_enabled", _MONEY),
        Kind("member_joined", _ORGANIZATION),
        # Their mails are queued with the change itself: they carry the way to answer.
        Kind("invitation_received", _ORGANIZATION, mailed=False),
        Kind("ownership_offered", _ORGANIZATION, mailed=False),
        Kind("roles_changed", _ORGANIZATION),
        Kind("tax_id_evidence_asked", _ORGANIZATION),
        Kind("tax_id_kept", _ORGANIZATION),
        Kind("tax_id_lost", _ORGANIZATION),
        Kind("webhook_disabled", _ORGANIZATION),
        Kind("webhook_gone", _ORGANIZATION),
        Kind("robot_refused", _ORGANIZATION),
        Kind("robot_failing", _ORGANIZATION),
        Kind("listing_waiting", _OPERATIONS),
        Kind("legal_proof_waiting", _OPERATIONS),
        Kind("transfer_waiting", _OPERATIONS),
        Kind("tax_id_disputed", _OPERATIONS),
        Kind("content_reported", _OPERATIONS),
        Kind("refund_waiting", _OPERATIONS),
        Kind("dispute_waiting", _OPERATIONS),
        Kind("incident_opened", _OPERATIONS),
        Kind("new_device", _SECURITY),
        Kind("payment_method_changed", _SECURITY),
        # Mailed at once: whoever has no other organization has no page to read it on.
        Kind("membership_ended", _SECURITY),
        # The mails of these are queued with the change itself, for whoever has no notification to read.
        Kind("password_changed", _SECURITY, mailed=False),
        Kind("second_factor_on", _SECURITY, mailed=False),
        Kind("second_factor_off", _SECURITY, mailed=False),
        Kind("recovery_codes_made", _SECURITY, mailed=False),
        Kind("recovery_code_used", _SECURITY, mailed=False),
    )
}


def level_of(levels: Mapping[str, str], group: Group) -> Level:
    """What a person chose for the group, or its default."""
    chosen = group.default if group.essential else levels.get(group.name, group.default)
    return next((level for level in LEVELS if level == chosen), group.default)


def mail_when(kind: Kind, level: Level) -> MailWhen:
    """Whether a notification of this kind leaves by mail at this level."""
    if not kind.mailed or level in ("none", "in_app"):
        return "none"
    return "digest" if level == "digest" else "at_once"
