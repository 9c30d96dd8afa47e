"""What events say, by example: the facts of one imagined sale, as each side reads them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

from marketplace.webhooks.event_types import EventData, Side
from orders.outgoing_events.event_data import (
    BoughtOrderData,
    DisputeData,
    GivenEntitlementData,
    HeldEntitlementData,
    InstalmentData,
    InvoiceData,
    LeadData,
    MilestoneData,
    MoneyData,
    OrderLineData,
    PartyData,
    PayoutData,
    RefundCaseData,
    RefundData,
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


def sample_id(number: int) -> UUID:
    """An id that says it is none."""
    return UUID(f"019ad000-0000-7000-8000-{number:012d}")


def cny(amount: int) -> MoneyData:
    """So many fen."""
    return MoneyData(amount=amount, currency="CNY")


BUYER = PartyData(id=sample_id(2), name="星河科技")
SELLER = PartyData(id=sample_id(3), name="云帆软件")
FROM, TO = datetime(2026, 3, 1, 2, 0, tzinfo=UTC), datetime(2027, 3, 1, 2, 0, tzinfo=UTC)
AMOUNTS: Final[dict[str, Any]] = {"net": cny(1_800_000), "tax": cny(108_000), "gross": cny(1_908_000)}
LINE: Final[dict[str, Any]] = {
    "id": sample_id(11),
    "listing_id": sample_id(12),
    "plan_id": sample_id(13),
    "title": "云帆客户管理",
    "title_en": "Yunfan CRM",
    "quantity": 20,
    **AMOUNTS,
}
ORDER: Final[dict[str, Any]] = {
    "order_id": sample_id(10),
    "number": "CM-7K2M9Q",
    "purchase_id": sample_id(14),
    "subscription_id": None,
    "usage_period_id": None,
    "instalment_id": None,
    **AMOUNTS,
}
BOUGHT = BoughtOrderData(**ORDER, seller=SELLER, po_number="PO-2026-031", lines=[OrderLineData(**LINE)])
SOLD = SoldOrderData(**ORDER, buyer=BUYER, lines=[SoldLineData(**LINE, commission_ppm=100_000)])
BOTH: Final[Mapping[Side, EventData]] = {"buyer": BOUGHT, "seller": SOLD}
ENTITLEMENT: Final[dict[str, Any]] = {
    "entitlement_id": sample_id(20),
    "order_id": sample_id(10),
    "order_line_id": sample_id(11),
    "listing_id": sample_id(12),
    "plan_id": sample_id(13),
    "title": "云帆客户管理",
    "title_en": "Yunfan CRM",
    "seats": 20,
    "valid_from": FROM,
    "valid_to": TO,
}
GIVEN: Final[Mapping[Side, EventData]] = {
    "buyer": HeldEntitlementData(**ENTITLEMENT, seller_id=SELLER.id, launch_url="https://crm.example/t/xinghe"),
    "seller": GivenEntitlementData(**ENTITLEMENT, buyer_id=BUYER.id, external_id="tenant-4711"),
}
SUBSCRIPTION: Final[dict[str, Any]] = {
    "subscription_id": sample_id(30),
    "order_line_id": sample_id(11),
    "buyer_id": BUYER.id,
    "seller_id": SELLER.id,
    "quantity": 20,
    "ends_at": TO,
    "auto_renew": True,
}
INVOICE = InvoiceData(
    invoice_id=sample_id(40),
    kind="invoice",
    number="YF-2026-000031",
    issuer=SELLER,
    recipient=BUYER,
    reference=sample_id(10),
    month=None,
    original_invoice_id=None,
    issued_on=date(2026, 3, 1),
    **AMOUNTS,
)
NO: Final = "合同写明每月 200 份。"
STEP: Final[dict[str, Any]] = {"position": 1, "code": "assessment", "name": "评估报告", "name_en": "Assessment"}
MILESTONE = MilestoneData(
    milestone_id=sample_id(16),
    order_id=sample_id(10),
    order_line_id=sample_id(11),
    buyer_id=BUYER.id,
    seller_id=SELLER.id,
    **STEP,
    version=1,
    gross=cny(280_000),
    due_at=datetime(2026, 3, 15, 2, 0, tzinfo=UTC),
    deadline_at=datetime(2026, 3, 20, 2, 0, tzinfo=UTC),
)
INSTALMENT = InstalmentData(
    instalment_id=sample_id(17),
    subscription_id=sample_id(30),
    order_line_id=sample_id(11),
    order_id=sample_id(18),
    buyer_id=BUYER.id,
    seller_id=SELLER.id,
    number=2,
    count=4,
    gross=cny(477_000),
    due_at=datetime(2026, 6, 1, 2, 0, tzinfo=UTC),
)
STATEMENT = StatementData(
    statement_id=sample_id(60),
    number="ST-2026-03-0007",
    starts_at=FROM,
    ends_at=datetime(2026, 4, 1, tzinfo=UTC),
    gross=cny(1_908_000),
    refunds=cny(0),
    commission=cny(-180_000),
    net=cny(1_728_000),
)
LEAD = LeadData(
    lead_id=sample_id(80),
    kind="quote",
    listing_id=sample_id(12),
    plan_id=sample_id(13),
    quantity=50,
    buyer_id=BUYER.id,
    buyer_name=BUYER.name,
    seller_id=SELLER.id,
)


def same(data: EventData) -> Mapping[Side, EventData]:
    """What both sides are told alike."""
    return {"buyer": data, "seller": data}


def refund(error_code: str | None = None) -> Mapping[Side, EventData]:
    """Money on its way back."""
    amount = cny(1_908_000)
    data = RefundData(
        refund_id=sample_id(50),
        order_id=sample_id(10),
        amount=amount,
        credit=cny(0),
        automatic=False,
        error_code=error_code,
    )
    return same(data)


def refund_case(
    *, granted: bool = False, ended: bool = False, offered: bool = False, **words: str
) -> Mapping[Side, EventData]:
    """Money that is asked back after the window."""
    said = {"reason": "导出功能与视频所说不符。", "answer": "", "appeal": "", "decision": ""} | words
    return same(
        RefundCaseData(
            refund_case_id=sample_id(51),
            order_id=sample_id(10),
            buyer_id=BUYER.id,
            seller_id=SELLER.id,
            asked=cny(500_000),
            offered=cny(250_000) if offered else None,
            as_credit=False,
            granted=cny(250_000) if granted else None,
            refund_id=sample_id(50) if granted else None,
            deadline_at=None if granted or ended else datetime(2026, 4, 6, 2, 0, tzinfo=UTC),
            **said,
        )
    )


def dispute() -> Mapping[Side, EventData]:
    """A payment that its payer's bank decides about."""
    amount, orders = cny(1_908_000), [sample_id(10)]
    data = DisputeData(dispute_id=sample_id(90), order_ids=orders, amount=amount, reason="fraudulent", answer_by=TO)
    return same(data)


def payout(error_code: str | None = None) -> Mapping[Side, EventData]:
    """Money on its way to a party."""
    amount = cny(1_728_000)
    return {
        "party": PayoutData(payout_id=sample_id(70), statement_id=sample_id(60), amount=amount, error_code=error_code)
    }


def term(kind: type[SubscriptionData], **more: Any) -> Mapping[Side, EventData]:
    """A subscription, with what is more of that kind."""
    return same(kind(**SUBSCRIPTION, **more))
