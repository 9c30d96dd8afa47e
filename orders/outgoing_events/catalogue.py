"""The types of events: what each says happened, who may read it, and a sample for each side."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

from marketplace.webhooks.event_types import EventData, EventType, Side, register_types
from orders.outgoing_events.event_data import (
    BoughtOrderData,
    DisputeData,
    GivenEntitlementData,
    HeldEntitlementData,
    InvoiceData,
    LeadData,
    MilestoneData,
    MoneyData,
    OrderLineData,
    PartyData,
    PayoutData,
    RefundCaseData,
    RefundData,
    RenewalRefusedData,
    RenewalToldData,
    RenewedData,
    SoldLineData,
    SoldOrderData,
    StatementData,
    SubscriptionData,
)

ORDERS: Final = frozenset({"orders.read", "seller.orders.read"})
ENTITLEMENTS: Final = frozenset({"entitlements.read", "seller.orders.read"})
INVOICES: Final = frozenset({"invoices.read"})
MONEY: Final = frozenset({"money.read"})
LEADS: Final = frozenset({"leads.manage"})


def _id(number: int) -> UUID:
    return UUID(f"019ad000-0000-7000-8000-{number:012d}")


def _cny(amount: int) -> MoneyData:
    return MoneyData(amount=amount, currency="CNY")


_BUYER = PartyData(id=_id(2), name="星河科技")
_SELLER = PartyData(id=_id(3), name="云帆软件")
_FROM, _TO = datetime(2026, 3, 1, 2, 0, tzinfo=UTC), datetime(2027, 3, 1, 2, 0, tzinfo=UTC)
_AMOUNTS: Final[dict[str, Any]] = {"net": _cny(1_800_000), "tax": _cny(108_000), "gross": _cny(1_908_000)}
_LINE: Final[dict[str, Any]] = {
    "id": _id(11),
    "listing_id": _id(12),
    "plan_id": _id(13),
    "title": "云帆客户管理",
    "title_en": "Yunfan CRM",
    "quantity": 20,
    **_AMOUNTS,
}
_ORDER: Final[dict[str, Any]] = {
    "order_id": _id(10),
    "number": "CM-7K2M9Q",
    "purchase_id": _id(14),
    "subscription_id": None,
    "usage_period_id": None,
    **_AMOUNTS,
}
_BOUGHT = BoughtOrderData(**_ORDER, seller=_SELLER, po_number="PO-2026-031", lines=[OrderLineData(**_LINE)])
_SOLD = SoldOrderData(**_ORDER, buyer=_BUYER, lines=[SoldLineData(**_LINE, commission_ppm=100_000)])
_BOTH: Final[Mapping[Side, EventData]] = {"buyer": _BOUGHT, "seller": _SOLD}
_ENTITLEMENT: Final[dict[str, Any]] = {
    "entitlement_id": _id(20),
    "order_id": _id(10),
    "order_line_id": _id(11),
    "listing_id": _id(12),
    "plan_id": _id(13),
    "title": "云帆客户管理",
    "title_en": "Yunfan CRM",
    "seats": 20,
    "valid_from": _FROM,
    "valid_to": _TO,
}
_GIVEN: Final[Mapping[Side, EventData]] = {
    "buyer": HeldEntitlementData(**_ENTITLEMENT, seller_id=_SELLER.id, launch_url="https://crm.example/t/xinghe"),
    "seller": GivenEntitlementData(**_ENTITLEMENT, buyer_id=_BUYER.id, external_id="tenant-4711"),
}
_SUBSCRIPTION: Final[dict[str, Any]] = {
    "subscription_id": _id(30),
    "order_line_id": _id(11),
    "buyer_id": _BUYER.id,
    "seller_id": _SELLER.id,
    "quantity": 20,
    "ends_at": _TO,
    "auto_renew": True,
}
_INVOICE = InvoiceData(
    invoice_id=_id(40),
    kind="invoice",
    number="YF-2026-000031",
    issuer=_SELLER,
    recipient=_BUYER,
    reference=_id(10),
    original_invoice_id=None,
    issued_on=date(2026, 3, 1),
    **_AMOUNTS,
)
_NO: Final = "合同写明每月 200 份。"
_STEP: Final[dict[str, Any]] = {"position": 1, "code": "assessment", "name": "评估报告", "name_en": "Assessment"}
_MILESTONE = MilestoneData(
    milestone_id=_id(16),
    order_id=_id(10),
    order_line_id=_id(11),
    buyer_id=_BUYER.id,
    seller_id=_SELLER.id,
    **_STEP,
    version=1,
    gross=_cny(280_000),
    due_at=datetime(2026, 3, 15, 2, 0, tzinfo=UTC),
    deadline_at=datetime(2026, 3, 20, 2, 0, tzinfo=UTC),
)
_STATEMENT = StatementData(
    statement_id=_id(60),
    number="ST-2026-03-0007",
    starts_at=_FROM,
    ends_at=datetime(2026, 4, 1, tzinfo=UTC),
    gross=_cny(1_908_000),
    refunds=_cny(0),
    commission=_cny(-180_000),
    net=_cny(1_728_000),
)
_LEAD = LeadData(
    lead_id=_id(80),
    kind="quote",
    listing_id=_id(12),
    plan_id=_id(13),
    quantity=50,
    buyer_id=_BUYER.id,
    buyer_name=_BUYER.name,
    seller_id=_SELLER.id,
)


def _same(data: EventData) -> Mapping[Side, EventData]:
    return {"buyer": data, "seller": data}


def _refund(error_code: str | None = None) -> Mapping[Side, EventData]:
    amount = _cny(1_908_000)
    data = RefundData(
        refund_id=_id(50), order_id=_id(10), amount=amount, credit=_cny(0), automatic=False, error_code=error_code
    )
    return _same(data)


def _case(
    *, granted: bool = False, ended: bool = False, offered: bool = False, **words: str
) -> Mapping[Side, EventData]:
    said = {"reason": "导出功能与视频所说不符。", "answer": "", "appeal": "", "decision": ""} | words
    return _same(
        RefundCaseData(
            refund_case_id=_id(51),
            order_id=_id(10),
            buyer_id=_BUYER.id,
            seller_id=_SELLER.id,
            asked=_cny(500_000),
            offered=_cny(250_000) if offered else None,
            as_credit=False,
            granted=_cny(250_000) if granted else None,
            refund_id=_id(50) if granted else None,
            deadline_at=None if granted or ended else datetime(2026, 4, 6, 2, 0, tzinfo=UTC),
            **said,
        )
    )


def _dispute() -> Mapping[Side, EventData]:
    amount, orders = _cny(1_908_000), [_id(10)]
    data = DisputeData(dispute_id=_id(90), order_ids=orders, amount=amount, reason="fraudulent", answer_by=_TO)
    return _same(data)


def _payout(error_code: str | None = None) -> Mapping[Side, EventData]:
    amount = _cny(1_728_000)
    return {"party": PayoutData(payout_id=_id(70), statement_id=_id(60), amount=amount, error_code=error_code)}


def _term(kind: type[SubscriptionData], **more: Any) -> Mapping[Side, EventData]:
    return _same(kind(**_SUBSCRIPTION, **more))


register_types(
    EventType(
        "order.awaiting_approval",
        "订单等待采购方审批。",
        "An order waits for its approvers.",
        ORDERS,
        {"buyer": _BOUGHT},
    ),
    EventType(
        "order.placed",
        "订单已提交，等待付款。",
        "An order is placed and waits for its payment.",
        ORDERS,
        {"buyer": _BOUGHT},
    ),
    EventType("order.paid", "订单款项已到账，开始交付。", "The money is there; delivery begins.", ORDERS, _BOTH),
    EventType("order.active", "订单全部内容已交付。", "Everything in it is delivered.", ORDERS, _BOTH),
    EventType(
        "order.completed", "订单已完成：服务已验收或周期已结束。", "Accepted, or its term is over.", ORDERS, _BOTH
    ),
    EventType(
        "order.delivery_failed", "卖家未能交付，款项将自动退回。", "Not delivered; the money goes back.", ORDERS, _BOTH
    ),
    EventType("order.refunded", "订单款项已全部退回。", "Its whole amount went back.", ORDERS, _BOTH),
    EventType("order.rejected", "审批人拒绝了订单。", "Its approvers said no.", ORDERS, {"buyer": _BOUGHT}),
    EventType("order.expired", "订单逾期未付款或未审批。", "It waited longer than it may.", ORDERS, {"buyer": _BOUGHT}),
    EventType("order.cancelled", "订单已取消。", "It was cancelled.", ORDERS, {"buyer": _BOUGHT}),
    EventType("milestone.pending", "里程碑等待卖家接单。", "It waits to be taken on.", ORDERS, _same(_MILESTONE)),
    EventType(
        "milestone.open", "卖家已接单，里程碑待交付。", "Taken on: it is to be delivered.", ORDERS, _same(_MILESTONE)
    ),
    EventType(
        "milestone.delivered", "里程碑已交付，待验收。", "Delivered: it waits for its buyer.", ORDERS, _same(_MILESTONE)
    ),
    EventType("milestone.rework_asked", "买家要求返工。", "It is to be done again.", ORDERS, _same(_MILESTONE)),
    EventType(
        "milestone.accepted", "里程碑已验收，款项放给卖家。", "Accepted: it is released.", ORDERS, _same(_MILESTONE)
    ),
    EventType(
        "milestone.cancelled", "里程碑已取消，款项退回。", "Cancelled: its money goes back.", ORDERS, _same(_MILESTONE)
    ),
    EventType("entitlement.pending", "权益已建立，等待卖家开通。", "It waits to be opened.", ENTITLEMENTS, _GIVEN),
    EventType("entitlement.active", "权益可用（新开通或恢复）。", "It may be used, or again.", ENTITLEMENTS, _GIVEN),
    EventType("entitlement.suspended", "权益已暂停。", "Nobody may use it for now.", ENTITLEMENTS, _GIVEN),
    EventType("entitlement.ended", "权益已终止。", "It has ended.", ENTITLEMENTS, _GIVEN),
    EventType("subscription.started", "订阅开始。", "A subscription begins.", ORDERS, _term(SubscriptionData)),
    EventType(
        "subscription.renewal_told",
        "已提醒周期即将结束：将按所示价格续订，或到期终止。",
        "The end of a term was told: it renews at this price, or ends.",
        ORDERS,
        _term(RenewalToldData, days=30, renews_at=_cny(1_908_000)),
    ),
    EventType(
        "subscription.renewal_refused",
        "原定续订的订阅无法续订，将到期终止。",
        "It was to be renewed and cannot be; it ends with its term.",
        ORDERS,
        _term(RenewalRefusedData, reason="renewal_unpaid"),
    ),
    EventType(
        "subscription.renewed",
        "下一周期已付款。",
        "The next term is paid for.",
        ORDERS,
        _term(RenewedData, order_id=_id(15)),
    ),
    EventType("subscription.past_due", "续订未付款。", "Its renewal is not paid.", ORDERS, _term(SubscriptionData)),
    EventType(
        "subscription.recovered", "欠费订阅已付清。", "What was past due is paid.", ORDERS, _term(SubscriptionData)
    ),
    EventType("subscription.ended", "订阅已终止。", "A subscription has ended.", ORDERS, _term(SubscriptionData)),
    EventType(
        "invoice.issued",
        "发票、红字发票或佣金发票已开具。",
        "An invoice, credit note or commission invoice has its number.",
        INVOICES,
        _same(_INVOICE),
    ),
    EventType("refund.requested", "已申请退款。", "A refund is asked for.", ORDERS, _refund()),
    EventType("refund.succeeded", "退款已退回。", "The money went back.", ORDERS, _refund()),
    EventType("refund.failed", "退款失败。", "A refund failed.", ORDERS, _refund("account_closed")),
    EventType("refund.returned", "退款被退回。", "A refund came back.", ORDERS, _refund("account_closed")),
    EventType(
        "refund_case.asked", "买方在退款期后申请退款，等待卖方决定。", "The seller has to decide.", ORDERS, _case()
    ),
    EventType(
        "refund_case.credit_offered",
        "卖方提出以抵用金代替退款，等待买方答复。",
        "The seller would give credit; the buyer has the word.",
        ORDERS,
        _case(offered=True, answer="愿以抵用金结清。"),
    ),
    EventType(
        "refund_case.refused",
        "卖方拒绝了退款申请，买方可提请平台裁定。",
        "The seller said no; the buyer may take it further.",
        ORDERS,
        _case(answer=_NO),
    ),
    EventType(
        "refund_case.escalated",
        "退款申请已转平台裁定。",
        "The operator has to decide.",
        ORDERS,
        _case(answer=_NO, appeal="视频未提上限。"),
    ),
    EventType(
        "refund_case.granted",
        "退款申请全部或部分获同意，款项随后退回。",
        "All or a part goes back.",
        ORDERS,
        _case(granted=True, answer="退还一半。"),
    ),
    EventType(
        "refund_case.rejected",
        "平台裁定不予退款。",
        "The operator said no, for good.",
        ORDERS,
        _case(ended=True, answer=_NO, decision="以合同为准。"),
    ),
    EventType(
        "refund_case.closed",
        "退款申请已结束：维持拒绝，或已无可退款项。",
        "A refusal stands, or nothing is left to go back.",
        ORDERS,
        _case(ended=True, answer=_NO),
    ),
    EventType("refund_case.withdrawn", "买方撤回了退款申请。", "The buyer let it be.", ORDERS, _case(ended=True)),
    EventType("dispute.opened", "付款被拒付，银行正在裁定。", "A bank decides about a payment.", ORDERS, _dispute()),
    EventType("dispute.won", "银行支持卖家，款项保留。", "The bank decided for the sale.", ORDERS, _dispute()),
    EventType("dispute.lost", "银行支持付款方，款项已扣回。", "The bank decided for the payer.", ORDERS, _dispute()),
    EventType("statement.closed", "结算单已生成。", "A statement is closed.", MONEY, {"party": _STATEMENT}),
    EventType("payout.sent", "结算款已打出。", "A payout is on its way.", MONEY, _payout()),
    EventType("payout.failed", "结算款打款失败。", "A payout failed.", MONEY, _payout("account_closed")),
    EventType("payout.returned", "结算款被退回。", "A payout came back.", MONEY, _payout("account_closed")),
    EventType(
        "lead.created",
        "有客户咨询、询价或申请演示。",
        "Somebody asks for a demo, a quote or advice.",
        LEADS,
        _same(_LEAD),
    ),
)
