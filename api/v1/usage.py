"""Metered usage: reported by sellers' systems, seen and capped by buyers, questioned and answered by the line."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, delete, get, post, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import Field

from api.field_messages import field_message
from api.language import language_of
from api.problems import MEDIA_TYPE, problem, sentence
from api.request import ApiRequest
from api.schema import FieldProblemOut, KeyHeader, MoneyOut, Out, Wire, idempotent_command
from api.v1.price_out import PriceLineOut, price_lines_out
from api.v1.usage_events_in import UnreadableEvent, UsageBatchIn, UsageEventIn
from fulfillment.usage.caps import remove_cap, set_cap
from fulfillment.usage.challenges import AnswerChallenge, answer_challenge, challenge_line
from fulfillment.usage.queries import challenges_to_answer, customers_usage, get_usage
from fulfillment.usage.record_usage import UsageIn, UsageResult, record_usage
from fulfillment.usage.views import ChallengeView, CustomerUsage, DimensionUsage, RatedLine, RatedPeriod, UsageView
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from orders.usage.queries import PeriodOrder, orders_of_periods

REPORT = "connectors.write"
SELL = "seller.orders.read"
CapIn = Annotated[str, Field(pattern=r"^[0-9]{1,15}(\.[0-9]{1,6})?$", examples=["100000"])]


class UsageResultOut(Out):
    """What became of an event; why it was refused, where it was."""

    id: str
    outcome: Annotated[str, Meta(description="accepted, duplicate or refused")]
    code: str | None
    message: str | None


class UsageBatchOut(Out):
    """How many of a batch count now, counted before, or were refused, and each in the order in which they were sent."""

    accepted: int
    duplicates: int
    refused: int
    results: list[UsageResultOut]


class DayUsageOut(Out):
    """What fell on a day of UTC."""

    day: date
    quantity: str


class DimensionUsageOut(Out):
    """A dimension in the present period, as of the last event. `amount`: what it would cost if the period ended now."""

    dimension: str
    name: Annotated[str, Meta(description="What readers call the dimension; its code where it has no name")]
    name_en: str
    unit: Annotated[str, Meta(description="As an event may say")]
    unit_name: Annotated[str, Meta(description="What readers call the unit; empty where it has no name")]
    unit_name_en: str
    quantity: str
    included: int
    percent: Annotated[int | None, Meta(description="Of the included amount, else of the cap")]
    cap: str | None
    cap_kind: Annotated[str | None, Meta(description="soft: you are told; hard: further events are refused")]
    capped: bool
    amount: MoneyOut
    days: list[DayUsageOut]

    @classmethod
    def of(cls, row: DimensionUsage) -> DimensionUsageOut:
        """From the query's row."""
        return cls.of_row(
            row,
            quantity=plain(row.quantity),
            cap=None if row.cap is None else plain(row.cap),
            capped=row.is_capped,
            days=[DayUsageOut(day=one.day, quantity=plain(one.quantity)) for one in row.days],
        )


class ChallengeOut(Out):
    """What a buyer questions of a rated line, and what the seller decided: `credit` is taken back."""

    id: UUID
    line_id: UUID
    buyer_org_id: UUID
    buyer_name: str
    entitlement_id: UUID
    title: str
    title_en: str
    dimension: str
    name: str
    name_en: str
    quantity: str
    amount: MoneyOut
    state: Annotated[str, Meta(description="open, overdue, confirmed or corrected")]
    question: str
    answer: str
    credit: MoneyOut
    deadline_at: datetime
    created_at: datetime

    @classmethod
    def of(cls, row: ChallengeView) -> ChallengeOut:
        """From the query's row."""
        return cls.of_row(row, quantity=plain(row.quantity))


class RatedLineOut(Out):
    """A line of a closed period."""

    id: UUID
    kind: Annotated[str, Meta(description="metered, or drawn from the commitment")]
    dimension: str
    name: str
    name_en: str
    quantity: str
    amount: MoneyOut
    challenge: ChallengeOut | None
    explained: PriceLineOut

    @classmethod
    def of(cls, row: RatedLine, interval: str) -> RatedLineOut:
        """From the query's row."""
        challenge = ChallengeOut.of(row.challenge) if row.challenge else None
        (explained,) = price_lines_out([row.explained], interval, row.currency)
        return cls.of_row(row, quantity=plain(row.quantity), challenge=challenge, explained=explained)


class RatedPeriodOut(Out):
    """A closed period: what its lines say never changes. `order_id` asks money for what `credited` does not pay, if anything."""

    id: UUID
    state: Annotated[str, Meta(description="closed, or invoiced: an order asks money for it")]
    starts_at: datetime
    ends_at: datetime
    amount: MoneyOut
    credited: MoneyOut
    trial: Annotated[bool, Meta(description="Whether it was a trial's, which costs nothing")]
    order_id: UUID | None
    lines: list[RatedLineOut]

    @classmethod
    def of(cls, row: RatedPeriod, order: PeriodOrder | None) -> RatedPeriodOut:
        """From the query's rows."""
        return cls.of_row(
            row,
            trial=row.is_trial,
            order_id=order.order_id if order else None,
            lines=[RatedLineOut.of(line, row.interval) for line in row.lines],
        )


class UsageOut(Out):
    """The usage of an entitlement: the present period, and the closed ones, the latest first."""

    entitlement_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    title: str
    title_en: str
    starts_at: datetime | None
    ends_at: datetime | None
    amount: MoneyOut
    dimensions: list[DimensionUsageOut]
    periods: list[RatedPeriodOut]
    trial: Annotated[bool, Meta(description="Whether it is being tried: usage costs nothing now")]

    @classmethod
    def of(cls, row: UsageView, charged: Mapping[UUID, PeriodOrder]) -> UsageOut:
        """From the query's rows."""
        return cls.of_row(
            row,
            dimensions=[DimensionUsageOut.of(one) for one in row.dimensions],
            periods=[RatedPeriodOut.of(one, charged.get(one.id)) for one in row.periods],
            trial=row.is_trial,
        )


class CustomerUsageOut(Out):
    """What a customer uses of a dimension in its present period."""

    entitlement_id: UUID
    buyer_org_id: UUID
    buyer_name: str
    title: str
    title_en: str
    dimension: str
    name: str
    name_en: str
    quantity: str
    ends_at: datetime

    @classmethod
    def of(cls, row: CustomerUsage) -> CustomerUsageOut:
        """From the query's row."""
        return cls.of_row(row, quantity=plain(row.quantity))


class UsageCapIn(Wire):
    """A cap of each period. `hard` refuses what exceeds it, `soft` tells when it is reached."""

    kind: Literal["soft", "hard"]
    quantity: CapIn


class ChallengeIn(Wire):
    """What is not right with the line."""

    question: Annotated[str, Field(max_length=2_000)]


class ChallengeAnswerIn(Wire):
    """The seller's decision: how much of the line it takes back, in minor units; 0 lets it stand."""

    credit: Annotated[int, Field(strict=True, ge=0, le=10**15)]
    answer: Annotated[str, Field(max_length=2_000)]


class ChallengedOut(Out):
    """The challenge that was made or answered."""

    id: UUID


def plain(quantity: Decimal) -> str:
    """A quantity as it is written: no digits that say nothing."""
    return f"{quantity.normalize():f}" if quantity else "0"


@post("/v1/usage", permission=REPORT, sync_to_thread=True, status_code=200, refuses=[422], tags=["entitlements"])
def report_usage(data: JSONBody[UsageBatchIn], request: ApiRequest) -> Response[UsageBatchOut]:
    """Report usage of what the organization sold. What is accepted is durable when the answer is given; repeat at will.

    Answers 422 `usage_none_accepted`, with the reason of each event under `errors`, where not one counts or counted before.
    """
    items = [
        UsageIn(one.id, one.time, one.entitlement, one.dimension, Decimal(one.quantity), one.corrects, one.unit)
        for one in data.each
        if isinstance(one, UsageEventIn)
    ]
    language = language_of(request)
    judged = iter(request.transact(lambda uow: record_usage(uow, items)))
    results = [next(judged) if isinstance(one, UsageEventIn) else _unreadable(one, language) for one in data.each]
    out = [_result(one, language) for one in results]
    counts = {name: sum(one.outcome == name for one in results) for name in ("accepted", "duplicate", "refused")}
    if counts["refused"] == len(results):
        errors = [
            FieldProblemOut(field=f"events.{number}", code=one.code or "", message=one.message or "")
            for number, one in enumerate(out)
        ]
        body = problem(request, Invalid("usage_none_accepted", count=len(results)), errors)
        return Response(body, status_code=422, media_type=MEDIA_TYPE)  # type: ignore[arg-type]  # a refusal's own body
    return Response(
        UsageBatchOut(
            accepted=counts["accepted"], duplicates=counts["duplicate"], refused=counts["refused"], results=out
        )
    )


def _unreadable(one: UnreadableEvent, language: str) -> UsageResult:
    params = {"field": one.field, "reason": field_message(one.said, language)}
    return UsageResult(one.id, "refused", "usage_event_unreadable", params)


def _result(row: UsageResult, language: str) -> UsageResultOut:
    said = sentence(row.code, language, dict(row.params)) if row.code else None
    message = " ".join((said["what"], said["safe"], said["todo"])) if said else None
    return UsageResultOut(id=row.id, outcome=row.outcome, code=row.code, message=message)


@get(
    "/v1/entitlements/{entitlement_id:uuid}/usage",
    permission="entitlements.read",
    sync_to_thread=True,
    tags=["entitlements"],
)
def get_entitlement_usage(entitlement_id: FromPath[UUID], request: ApiRequest) -> UsageOut:
    """The usage of an entitlement, for its buyer and its seller: of this very moment, by day, with what it costs."""
    with request.transaction() as uow:
        found = get_usage(uow, entitlement_id)
        return UsageOut.of(found, orders_of_periods(uow, [one.id for one in found.periods]))


@put(
    "/v1/entitlements/{entitlement_id:uuid}/usage/caps/{dimension:str}",
    permission="orders.buy",
    sync_to_thread=True,
    status_code=204,
    tags=["entitlements"],
)
def put_usage_cap(
    entitlement_id: FromPath[UUID], dimension: FromPath[str], data: JSONBody[UsageCapIn], request: ApiRequest
) -> None:
    """Cap what is used of a dimension in each period, in place of the cap before. Repeating it changes nothing."""
    request.transact(lambda uow: set_cap(uow, entitlement_id, dimension, data.kind, Decimal(data.quantity)))


@delete(
    "/v1/entitlements/{entitlement_id:uuid}/usage/caps/{dimension:str}",
    permission="orders.buy",
    sync_to_thread=True,
    tags=["entitlements"],
)
def delete_usage_cap(entitlement_id: FromPath[UUID], dimension: FromPath[str], request: ApiRequest) -> None:
    """Take a cap away. Repeating it changes nothing."""
    request.transact(lambda uow: remove_cap(uow, entitlement_id, dimension))


@post(
    "/v1/usage/lines/{usage_line_id:uuid}/challenge",
    permission="orders.buy",
    sync_to_thread=True,
    tags=["entitlements"],
)
def challenge(
    usage_line_id: FromPath[UUID], data: JSONBody[ChallengeIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[ChallengedOut]:
    """Question a rated line, once: its seller answers within ten days. Needs an Idempotency-Key."""

    def ask(uow: UnitOfWork) -> ChallengedOut:
        return ChallengedOut(id=challenge_line(uow, usage_line_id, data.question))

    return idempotent_command(request, idempotency_key, data, ask)


@get("/v1/seller/usage", permission=SELL, sync_to_thread=True, tags=["seller"])
def list_customers_usage(request: ApiRequest) -> list[CustomerUsageOut]:
    """What each customer uses in its present period, by customer, entitlement and dimension; at most 500 rows."""
    with request.transaction() as uow:
        return [CustomerUsageOut.of(one) for one in customers_usage(uow)]


@get("/v1/seller/usage/challenges", permission=SELL, sync_to_thread=True, tags=["seller"])
def list_usage_challenges(request: ApiRequest) -> list[ChallengeOut]:
    """Lines that customers question and that are still to be answered, the most urgent first."""
    with request.transaction() as uow:
        return [ChallengeOut.of(one) for one in challenges_to_answer(uow)]


@post(
    "/v1/seller/usage/challenges/{usage_challenge_id:uuid}/answer",
    permission="catalog.write",
    sync_to_thread=True,
    tags=["seller"],
)
def answer_usage_challenge(
    usage_challenge_id: FromPath[UUID],
    data: JSONBody[ChallengeAnswerIn],
    request: ApiRequest,
    idempotency_key: KeyHeader,
) -> Response[ChallengedOut]:
    """Let a questioned line stand, or take some of it back. Needs an Idempotency-Key."""

    def decide(uow: UnitOfWork) -> ChallengedOut:
        answer_challenge(uow, AnswerChallenge(usage_challenge_id, data.credit, data.answer))
        return ChallengedOut(id=usage_challenge_id)

    return idempotent_command(request, idempotency_key, data, decide)


routes = [
    report_usage,
    get_entitlement_usage,
    put_usage_cap,
    delete_usage_cap,
    challenge,
    list_customers_usage,
    list_usage_challenges,
    answer_usage_challenge,
]
