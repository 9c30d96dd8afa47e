"""The types of events about what recurs: changes, trials, usage, the money that is asked for again, seats."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from marketplace.webhooks.event_types import EventData, EventType, Side, register_types
from orders.outgoing_events.event_data import (
    AmendmentData,
    HeldSeatData,
    NextTermData,
    OwnPaymentTryData,
    PaymentTryData,
    RenewedData,
    SeatData,
    SubscriptionData,
    TrialEndedData,
    TrialEndsSoonData,
    TrialExtendedData,
)
from orders.outgoing_events.samples import BUYER, ENTITLEMENTS, FROM, ORDERS, SELLER, TO, cny, same, sample_id, term
from orders.outgoing_events.usage_event_data import (
    UsageAlertedData,
    UsageCapReachedData,
    UsageChallengeAnsweredData,
    UsageChallengeData,
    UsageChargedData,
    UsageLineData,
)

_AMENDMENT: Final = AmendmentData(
    amendment_id=sample_id(31),
    subscription_id=sample_id(30),
    order_id=sample_id(18),
    order_line_id=sample_id(19),
    buyer_id=BUYER.id,
    seller_id=SELLER.id,
    quantity=30,
    quantity_before=20,
    plan_id=sample_id(13),
    plan_id_before=sample_id(13),
    ends_at=TO,
    aligned_to=None,
    gross=cny(477_000),
)
_PERIOD: Final[dict[str, Any]] = {
    "usage_period_id": sample_id(35),
    "entitlement_id": sample_id(20),
    "buyer_id": BUYER.id,
    "seller_id": SELLER.id,
    "starts_at": FROM,
    "ends_at": datetime(2026, 4, 1, 2, 0, tzinfo=UTC),
}
_CALLS: Final[dict[str, Any]] = {"dimension": "api_calls", "name": "接口调用", "name_en": "API calls"}
_RATED: Final = UsageLineData(kind="metered", **_CALLS, quantity="131002", amount=cny(10_851))
_CHALLENGE: Final[dict[str, Any]] = {
    **_PERIOD,
    "challenge_id": sample_id(37),
    "line_id": sample_id(36),
    "line": _RATED,
    "question": "我们这周停用了三天。",
    "deadline_at": datetime(2026, 4, 15, 2, 0, tzinfo=UTC),
}
_ANSWERED: Final = UsageChallengeAnsweredData(
    **_CHALLENGE, outcome="corrected", answer="已核实，减免三天。", credit=cny(1_260)
)
_TRY: Final[dict[str, Any]] = {
    "purchase_id": sample_id(14),
    "order_ids": [sample_id(15)],
    "subscription_id": sample_id(30),
    "amount": cny(1_908_000),
}
_SEAT: Final[dict[str, Any]] = {
    "seat_id": sample_id(21),
    "entitlement_id": sample_id(20),
    "listing_id": sample_id(12),
    "buyer_id": BUYER.id,
    "organization_id": BUYER.id,
    "seller_id": SELLER.id,
}


def _charged() -> Mapping[Side, EventData]:
    paid: dict[str, Any] = {"order_id": sample_id(17), "subscription_id": sample_id(30), "lines": [_RATED]}
    return same(UsageChargedData(**_PERIOD, **paid, credited=cny(1_260), gross=cny(10_167)))


def _tried(error_code: str | None = None) -> Mapping[Side, EventData]:
    return {"buyer": OwnPaymentTryData(**_TRY, error_code=error_code), "seller": PaymentTryData(**_TRY)}


register_types(
    EventType(
        "amendment.placed",
        "已下单变更订阅（席位、规格或到期日），等待付款。",
        "A change of a subscription is placed and waits for its payment.",
        ORDERS,
        {"buyer": _AMENDMENT},
    ),
    EventType(
        "amendment.applied", "变更已付款并生效。", "A change is paid for and in force.", ORDERS, same(_AMENDMENT)
    ),
    EventType(
        "amendment.void",
        "变更未生效：未付款，或订阅已有变化（已付款项退回）。",
        "A change came to nothing: it was not paid, or the subscription had changed and its money goes back.",
        ORDERS,
        same(_AMENDMENT),
    ),
    EventType(
        "amendment.reversed",
        "变更已撤回，款项退回。",
        "A change was taken back with its money.",
        ORDERS,
        same(_AMENDMENT),
    ),
    EventType(
        "amendment.scheduled",
        "已约定下一周期的席位或规格，到时生效。",
        "The next term is to be of another quantity or plan.",
        ORDERS,
        term(NextTermData, next_quantity=10, next_plan_id=sample_id(13)),
    ),
    EventType(
        "amendment.withdrawn",
        "已取消下一周期的变更，届时不变。",
        "The next term is to be as this one again.",
        ORDERS,
        term(SubscriptionData),
    ),
    EventType("trial.started", "试用开始。", "A trial begins.", ORDERS, term(SubscriptionData)),
    EventType(
        "trial.extended", "卖方延长了试用。", "Its seller lets it go on.", ORDERS, term(TrialExtendedData, days=7)
    ),
    EventType(
        "trial.ends_soon",
        "试用即将结束：将按所示价格转为付费，或到期终止。",
        "A trial is about to end: it is paid for at this price, or it is over.",
        ORDERS,
        term(TrialEndsSoonData, days=3, converts_at=cny(1_908_000)),
    ),
    EventType(
        "trial.converted",
        "试用已转为付费。",
        "What follows a trial is paid for.",
        ORDERS,
        term(RenewedData, order_id=sample_id(15)),
    ),
    EventType(
        "trial.ended",
        "试用结束，未转为付费。",
        "A trial is over and was not bought.",
        ORDERS,
        term(TrialEndedData, reason="term_over"),
    ),
    EventType(
        "usage.alerted",
        "某计量项已用到套餐内数量的 50%、80% 或 100%。",
        "50, 80 or 100 % of what is included of a dimension are used.",
        ENTITLEMENTS,
        same(UsageAlertedData(**_PERIOD, **_CALLS, percent=80)),
    ),
    EventType(
        "usage.cap_reached",
        "某计量项已到买方设置的上限；硬上限时卖方应停止提供。",
        "The buyer's cap of a dimension is reached; at a hard one its seller stops serving it.",
        ENTITLEMENTS,
        same(UsageCapReachedData(**_PERIOD, **_CALLS, kind="hard")),
    ),
    EventType(
        "usage.charged", "账期已结算并下单收款。", "A period is rated and asked money for.", ENTITLEMENTS, _charged()
    ),
    EventType(
        "usage.unpaid",
        "用量费首次扣款失败，将按计划重试。",
        "Its money did not come at the first try; it is asked for again.",
        ENTITLEMENTS,
        _charged(),
    ),
    EventType(
        "usage.challenged",
        "买方对一行用量费提出疑问，等待卖方答复。",
        "Its buyer questions a line; the seller has to answer.",
        ENTITLEMENTS,
        same(UsageChallengeData(**_CHALLENGE)),
    ),
    EventType(
        "usage.challenge_answered",
        "卖方已答复：维持原数，或部分减免。",
        "The seller lets the line stand, or takes some of it back.",
        ENTITLEMENTS,
        same(_ANSWERED),
    ),
    EventType("payment.failed", "扣款失败。", "A try to collect money failed.", ORDERS, _tried("card_declined")),
    EventType("payment.retried", "失败后再次扣款。", "Money is asked for again after a try failed.", ORDERS, _tried()),
    EventType(
        "payment.recovered",
        "失败后的款项已收到。",
        "The money came after a try that had failed.",
        ORDERS,
        _tried(),
    ),
    EventType(
        "seat.given",
        "成员获得席位。",
        "A member was given a place.",
        ENTITLEMENTS,
        {"buyer": HeldSeatData(**_SEAT, person_id=sample_id(5)), "seller": SeatData(**_SEAT)},
    ),
)
