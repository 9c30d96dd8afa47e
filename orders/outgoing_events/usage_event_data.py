"""What events of usage say."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from marketplace.webhooks.event_types import EventData
from orders.outgoing_events.event_data import MoneyData


class UsagePeriodData(EventData):
    """A period of metered usage."""

    usage_period_id: UUID
    entitlement_id: UUID
    buyer_id: UUID
    seller_id: UUID
    starts_at: datetime
    ends_at: datetime


class UsageAlertedData(UsagePeriodData):
    """How much of what a period includes of a dimension is used. `name`: what readers call the dimension."""

    dimension: str
    name: str
    name_en: str
    percent: int = Field(description="50, 80 or 100")


class UsageCapReachedData(UsagePeriodData):
    """The buyer's own cap of a dimension is reached."""

    dimension: str
    name: str
    name_en: str
    kind: str = Field(description="`hard`: nothing more is taken in this period; `soft`: it goes on")


class UsageLineData(EventData):
    """A dimension of a period at its price, or what was drawn from the commitment."""

    kind: str
    dimension: str
    name: str
    name_en: str
    quantity: str = Field(description="An exact decimal number")
    amount: MoneyData


class UsageChargedData(UsagePeriodData):
    """The order that asks money for a period."""

    order_id: UUID
    subscription_id: UUID
    lines: list[UsageLineData]
    credited: MoneyData = Field(description="Taken off for lines that were corrected")
    gross: MoneyData


class UsageChallengeData(UsagePeriodData):
    """A rated line that its buyer questions."""

    challenge_id: UUID
    line_id: UUID
    line: UsageLineData
    question: str
    deadline_at: datetime


class UsageChallengeAnsweredData(UsageChallengeData):
    """What its seller decided."""

    outcome: str = Field(description="`confirmed`: it stands; `corrected`: the credit is taken off what comes next")
    answer: str
    credit: MoneyData
