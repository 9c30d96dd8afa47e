"""The types of events: what each says happened, who may read it, and a sample for each side."""

from __future__ import annotations

from marketplace.webhooks.event_types import EventType, register_types
from orders.outgoing_events import catalogue_of_recurring
from orders.outgoing_events.event_data import RenewalRefusedData, RenewalToldData, RenewedData, SubscriptionData
from orders.outgoing_events.samples import (
    BOTH,
    BOUGHT,
    ENTITLEMENTS,
    GIVEN,
    INSTALMENT,
    INVOICE,
    INVOICES,
    LEAD,
    LEADS,
    MILESTONE,
    MONEY,
    NO,
    ORDERS,
    STATEMENT,
    cny,
    dispute,
    payout,
    refund,
    refund_case,
    same,
    sample_id,
    term,
)

ALSO = catalogue_of_recurring
"""Imported for what it registers."""

register_types(
    EventType(
        "order.awaiting_approval",
        "订单等待采购方审批。",
        "An order waits for its approvers.",
        ORDERS,
        {"buyer": BOUGHT},
    ),
    EventType(
        "order.placed",
        "订单已提交，等待付款。",
        "An order is placed and waits for its payment.",
        ORDERS,
        {"buyer": BOUGHT},
    ),
    EventType("order.paid", "订单款项已到账，开始交付。", "The money is there; delivery begins.", ORDERS, BOTH),
    EventType("order.active", "订单全部内容已交付。", "Everything in it is delivered.", ORDERS, BOTH),
    EventType(
        "order.completed", "订单已完成：服务已验收或周期已结束。", "Accepted, or its term is over.", ORDERS, BOTH
    ),
    EventType(
        "order.delivery_failed", "卖方未能交付，款项将自动退回。", "Not delivered; the money goes back.", ORDERS, BOTH
    ),
    EventType("order.refunded", "订单款项已全部退回。", "Its whole amount went back.", ORDERS, BOTH),
    EventType("order.rejected", "审批人拒绝了订单。", "Its approvers said no.", ORDERS, {"buyer": BOUGHT}),
    EventType("order.expired", "订单逾期未付款或未审批。", "It waited longer than it may.", ORDERS, {"buyer": BOUGHT}),
    EventType("order.cancelled", "订单已取消。", "It was cancelled.", ORDERS, {"buyer": BOUGHT}),
    EventType("milestone.pending", "里程碑等待卖方接单。", "It waits to be taken on.", ORDERS, same(MILESTONE)),
    EventType(
        "milestone.open", "卖方已接单，里程碑待交付。", "Taken on: it is to be delivered.", ORDERS, same(MILESTONE)
    ),
    EventType(
        "milestone.delivered", "里程碑已交付，待验收。", "Delivered: it waits for its buyer.", ORDERS, same(MILESTONE)
    ),
    EventType("milestone.rework_asked", "买方要求返工。", "It is to be done again.", ORDERS, same(MILESTONE)),
    EventType(
        "milestone.accepted", "里程碑已验收，款项放给卖方。", "Accepted: it is released.", ORDERS, same(MILESTONE)
    ),
    EventType(
        "milestone.cancelled", "里程碑已取消，款项退回。", "Cancelled: its money goes back.", ORDERS, same(MILESTONE)
    ),
    EventType("instalment.scheduled", "分期款已排期。", "It has a date.", ORDERS, same(INSTALMENT)),
    EventType("instalment.asked", "分期款到期，已发起扣款。", "It is due and asked for.", ORDERS, same(INSTALMENT)),
    EventType("instalment.paid", "分期款已付清。", "It is paid.", ORDERS, same(INSTALMENT)),
    EventType("instalment.cancelled", "分期款已取消或退回。", "Cancelled, or given back.", ORDERS, same(INSTALMENT)),
    EventType("entitlement.pending", "权益已建立，等待卖方开通。", "It waits to be opened.", ENTITLEMENTS, GIVEN),
    EventType("entitlement.active", "权益可用（新开通或恢复）。", "It may be used, or again.", ENTITLEMENTS, GIVEN),
    EventType("entitlement.suspended", "权益已暂停。", "Nobody may use it for now.", ENTITLEMENTS, GIVEN),
    EventType("entitlement.ended", "权益已终止。", "It has ended.", ENTITLEMENTS, GIVEN),
    EventType("subscription.started", "订阅开始。", "A subscription begins.", ORDERS, term(SubscriptionData)),
    EventType(
        "subscription.renewal_told",
        "已提醒周期即将结束：将按所示价格续订，或到期终止。",
        "The end of a term was told: it renews at this price, or ends.",
        ORDERS,
        term(RenewalToldData, days=30, renews_at=cny(1_908_000)),
    ),
    EventType(
        "subscription.renewal_refused",
        "原定续订的订阅无法续订，将到期终止。",
        "It was to be renewed and cannot be; it ends with its term.",
        ORDERS,
        term(RenewalRefusedData, reason="renewal_unpaid"),
    ),
    EventType(
        "subscription.renewed",
        "下一周期已付款。",
        "The next term is paid for.",
        ORDERS,
        term(RenewedData, order_id=sample_id(15)),
    ),
    EventType("subscription.past_due", "续订未付款。", "Its renewal is not paid.", ORDERS, term(SubscriptionData)),
    EventType(
        "subscription.recovered", "欠费订阅已付清。", "What was past due is paid.", ORDERS, term(SubscriptionData)
    ),
    EventType("subscription.ended", "订阅已终止。", "A subscription has ended.", ORDERS, term(SubscriptionData)),
    EventType(
        "invoice.issued",
        "发票、红字发票或佣金发票已开具。",
        "An invoice, credit note or commission invoice has its number.",
        INVOICES,
        same(INVOICE),
    ),
    EventType("refund.requested", "已申请退款。", "A refund is asked for.", ORDERS, refund()),
    EventType(
        "refund.held",
        "退款待红字数电票开具后退回。",
        "A refund waits until a red tax invoice takes back what it undoes.",
        ORDERS,
        refund(),
    ),
    EventType("refund.succeeded", "退款已退回。", "The money went back.", ORDERS, refund()),
    EventType("refund.failed", "退款失败。", "A refund failed.", ORDERS, refund("account_closed")),
    EventType("refund.returned", "退款被退回。", "A refund came back.", ORDERS, refund("account_closed")),
    EventType(
        "refund_case.asked",
        "买方在退款期后申请退款，等待卖方决定。",
        "The seller has to decide.",
        ORDERS,
        refund_case(),
    ),
    EventType(
        "refund_case.credit_offered",
        "卖方提出以抵用金代替退款，等待买方答复。",
        "The seller would give credit; the buyer has the word.",
        ORDERS,
        refund_case(offered=True, answer="愿以抵用金结清。"),
    ),
    EventType(
        "refund_case.refused",
        "卖方拒绝了退款申请，买方可提请平台裁定。",
        "The seller said no; the buyer may take it further.",
        ORDERS,
        refund_case(answer=NO),
    ),
    EventType(
        "refund_case.escalated",
        "退款申请已转平台裁定。",
        "The operator has to decide.",
        ORDERS,
        refund_case(answer=NO, appeal="视频未提上限。"),
    ),
    EventType(
        "refund_case.granted",
        "退款申请全部或部分获同意，款项随后退回。",
        "All or a part goes back.",
        ORDERS,
        refund_case(granted=True, answer="退还一半。"),
    ),
    EventType(
        "refund_case.rejected",
        "平台裁定不予退款。",
        "The operator said no, for good.",
        ORDERS,
        refund_case(ended=True, answer=NO, decision="以合同为准。"),
    ),
    EventType(
        "refund_case.closed",
        "退款申请已结束：维持拒绝，或已无可退款项。",
        "A refusal stands, or nothing is left to go back.",
        ORDERS,
        refund_case(ended=True, answer=NO),
    ),
    EventType("refund_case.withdrawn", "买方撤回了退款申请。", "The buyer let it be.", ORDERS, refund_case(ended=True)),
    EventType("dispute.opened", "付款被拒付，银行正在裁定。", "A bank decides about a payment.", ORDERS, dispute()),
    EventType("dispute.won", "银行支持卖方，款项保留。", "The bank decided for the sale.", ORDERS, dispute()),
    EventType("dispute.lost", "银行支持付款方，款项已扣回。", "The bank decided for the payer.", ORDERS, dispute()),
    EventType("statement.closed", "结算单已生成。", "A statement is closed.", MONEY, {"party": STATEMENT}),
    EventType("payout.sent", "结算款已打出。", "A payout is on its way.", MONEY, payout()),
    EventType("payout.failed", "结算款打款失败。", "A payout failed.", MONEY, payout("account_closed")),
    EventType("payout.returned", "结算款被退回。", "A payout came back.", MONEY, payout("account_closed")),
    EventType(
        "lead.created",
        "有客户咨询、询价或申请演示。",
        "Somebody asks for a demo, a quote or advice.",
        LEADS,
        same(LEAD),
    ),
)
