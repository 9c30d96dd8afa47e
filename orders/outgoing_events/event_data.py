"""What events say, by subject and side. A buyer's data never hold what a seller pays for the sale, nor the reverse.

These shapes are public: fields may be added, none is renamed, removed or given another meaning.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from marketplace.webhooks.event_types import EventData


class MoneyData(EventData):
    """An amount in minor units of an ISO 4217 currency."""

    amount: int
    currency: str


class PartyData(EventData):
    """The other side of the agreement, as it was named in it."""

    id: UUID
    name: str


class OrderLineData(EventData):
    """One plan that was sold."""

    id: UUID
    listing_id: UUID
    plan_id: UUID
    title: str
    title_en: str
    quantity: int
    net: MoneyData
    tax: MoneyData
    gross: MoneyData


class SoldLineData(OrderLineData):
    """As its seller sees it."""

    commission_ppm: int = Field(description="The platform's commission of the net amount, parts per million")


class OrderData(EventData):
    """An order."""

    order_id: UUID
    number: str
    purchase_id: UUID
    subscription_id: UUID | None = Field(
        description="The subscription whose next term, change, usage or instalment it pays for"
    )
    usage_period_id: UUID | None = Field(
        description="The period of usage that it pays for, as in the entitlement's usage"
    )
    instalment_id: UUID | None = Field(description="The further instalment that it pays for")
    net: MoneyData
    tax: MoneyData
    gross: MoneyData


class BoughtOrderData(OrderData):
    """An order as its buyer sees it."""

    seller: PartyData
    po_number: str | None
    lines: list[OrderLineData]


class SoldOrderData(OrderData):
    """An order as its seller sees it."""

    buyer: PartyData
    lines: list[SoldLineData]


class EntitlementData(EventData):
    """What a buyer may use."""

    entitlement_id: UUID
    order_id: UUID
    order_line_id: UUID
    listing_id: UUID
    plan_id: UUID
    title: str
    title_en: str
    seats: int = Field(description="0 where the plan has none")
    valid_from: datetime | None
    valid_to: datetime | None


class HeldEntitlementData(EntitlementData):
    """An entitlement as its buyer sees it."""

    seller_id: UUID
    launch_url: str | None


class GivenEntitlementData(EntitlementData):
    """An entitlement as its seller sees it."""

    buyer_id: UUID
    external_id: str | None = Field(description="The tenant in the seller's system")


class SubscriptionData(EventData):
    """A subscription; both sides see the same."""

    subscription_id: UUID
    order_line_id: UUID
    buyer_id: UUID
    seller_id: UUID
    quantity: int
    ends_at: datetime
    auto_renew: bool


class RenewalToldData(SubscriptionData):
    """A notice before the end of a term."""

    days: int
    renews_at: MoneyData | None = Field(description="What the next term will cost; null where it ends")


class RenewalRefusedData(SubscriptionData):
    """Why a subscription that was to be renewed ends."""

    reason: str


class RenewedData(SubscriptionData):
    """The order that pays for the next term."""

    order_id: UUID


class InvoiceData(EventData):
    """A document as it was issued."""

    invoice_id: UUID
    kind: str
    number: str
    issuer: PartyData
    recipient: PartyData
    reference: UUID = Field(
        description="The order; for a commission invoice the statement; for a consolidated one what names it"
    )
    month: date | None = Field(description="Of a consolidated invoice: the first day of its month")
    original_invoice_id: UUID | None
    issued_on: date | None
    net: MoneyData
    tax: MoneyData
    gross: MoneyData


class MilestoneData(EventData):
    """A step of a service that is delivered, accepted and released for itself."""

    milestone_id: UUID
    order_id: UUID
    order_line_id: UUID
    buyer_id: UUID
    seller_id: UUID
    position: int
    code: str
    name: str
    name_en: str
    version: int = Field(description="How often it was delivered")
    gross: MoneyData
    due_at: datetime | None
    deadline_at: datetime | None = Field(
        description="When it is accepted by the clock, or its money goes back by itself"
    )


class InstalmentData(EventData):
    """A further part of a term's price, paid when it is due."""

    instalment_id: UUID
    subscription_id: UUID
    order_line_id: UUID = Field(description="The line that sold the term; its own money is the first instalment")
    order_id: UUID | None = Field(description="The order that asks its money, once it is due")
    buyer_id: UUID
    seller_id: UUID
    number: int = Field(description="From 2: the first is paid with the order")
    count: int
    gross: MoneyData
    due_at: datetime


class RefundData(EventData):
    """Money that goes back to a buyer."""

    refund_id: UUID
    order_id: UUID
    amount: MoneyData
    credit: MoneyData = Field(description="Of it what is credit with the seller instead of money")
    automatic: bool
    error_code: str | None


class RefundCaseData(EventData):
    """Money that a buyer asks back after the window, as its case stands. Both sides read each other's words."""

    refund_case_id: UUID
    order_id: UUID
    buyer_id: UUID
    seller_id: UUID
    asked: MoneyData
    offered: MoneyData | None = Field(description="Credit that the seller offered instead of money")
    as_credit: bool = Field(description="Whether the buyer is content with credit")
    granted: MoneyData | None
    refund_id: UUID | None
    deadline_at: datetime | None = Field(description="Until when whoever it waits for may decide; none where it ended")
    reason: str = Field(description="The buyer's words")
    answer: str = Field(description="The seller's words")
    appeal: str = Field(description="The buyer's words to the operator")
    decision: str = Field(description="The operator's words")


class DisputeData(EventData):
    """A payment that its payer's bank decides about; to a seller what of it is about its orders."""

    dispute_id: UUID
    order_ids: list[UUID]
    amount: MoneyData
    reason: str
    answer_by: datetime


class StatementData(EventData):
    """What a party earned in a period."""

    statement_id: UUID
    number: str
    starts_at: datetime
    ends_at: datetime
    gross: MoneyData
    refunds: MoneyData
    commission: MoneyData
    net: MoneyData


class PayoutData(EventData):
    """Money that goes to a party."""

    payout_id: UUID
    statement_id: UUID
    amount: MoneyData
    error_code: str | None


class LeadData(EventData):
    """A request to a seller. Whom to write to or call is read in the product, by whoever may."""

    lead_id: UUID
    kind: str
    listing_id: UUID
    plan_id: UUID | None
    quantity: int | None
    buyer_id: UUID
    buyer_name: str
    seller_id: UUID


class PartnerData(EventData):
    """A partner of a seller. `tier`: its code; none while the seller has still to choose one."""

    partner_link_id: UUID
    seller_id: UUID
    seller_name: str
    buyer_id: UUID
    buyer_name: str
    by_seller: bool
    tier: str | None
    accepted_at: datetime | None
    ended_at: datetime | None


class PromoterData(EventData):
    """A promoter's place in a seller's plan for a listing. `promoter_ppm`: its part of a line's net, in millionths."""

    promoter_membership_id: UUID
    promoter_plan_id: UUID
    kind: str
    listing_id: UUID
    seller_id: UUID
    promoter_id: UUID
    promoter_ppm: int
    counts_from: datetime | None
    counts_until: datetime | None


class AmendmentData(EventData):
    """A change of a subscription within its term, bought by an order of its own."""

    amendment_id: UUID
    subscription_id: UUID
    order_id: UUID
    order_line_id: UUID
    buyer_id: UUID
    seller_id: UUID
    quantity: int
    quantity_before: int
    plan_id: UUID
    plan_id_before: UUID
    ends_at: datetime = Field(
        description="The end of the term for whose rest it pays; where it moves it, the end before"
    )
    aligned_to: datetime | None = Field(description="Where it moves the end of the term, to when")
    gross: MoneyData


class NextTermData(SubscriptionData):
    """What the next term is to be; nothing is paid and nothing changes before it begins."""

    next_quantity: int
    next_plan_id: UUID


class TrialExtendedData(SubscriptionData):
    """By how many days a trial goes on."""

    days: int


class TrialEndsSoonData(SubscriptionData):
    """A notice before the end of a trial."""

    days: int
    converts_at: MoneyData | None = Field(description="What the first paid term will cost; null where it ends")


class TrialEndedData(SubscriptionData):
    """Why a trial came to nothing."""

    reason: str


class PaymentTryData(EventData):
    """Money that was asked for; to a seller what of it is for a subscription of its own."""

    purchase_id: UUID
    order_ids: list[UUID]
    subscription_id: UUID | None = Field(description="The subscription whose next term, change or usage it pays for")
    amount: MoneyData


class OwnPaymentTryData(PaymentTryData):
    """As its payer sees it."""

    error_code: str | None


class SeatData(EventData):
    """A place under an entitlement."""

    seat_id: UUID
    entitlement_id: UUID
    listing_id: UUID
    buyer_id: UUID
    organization_id: UUID = Field(
        description="Whose member has it: the buyer, or a subsidiary that the buyer allocated seats to"
    )
    seller_id: UUID


class HeldSeatData(SeatData):
    """As the organization whose member has it sees it."""

    person_id: UUID
