"""What one may know of usage: the buyer of its own, the seller of its customers'."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from fulfillment.entitlements.models import Entitlement
from fulfillment.usage.close_period import rate_period
from fulfillment.usage.counted import sums_of
from fulfillment.usage.models import MeteredTerms, UsageCap, UsageChallenge, UsageDay, UsageLine, UsagePeriod
from fulfillment.usage.terms import (
    Bounds,
    UsagePrice,
    UsageTerms,
    dimension_names,
    get_usage_terms,
    names_in,
    usage_terms,
)
from fulfillment.usage.views import (
    ChallengeView,
    CustomerUsage,
    DayUsage,
    DimensionUsage,
    RatedLine,
    RatedPeriod,
    UsageView,
)
from kernel import clock
from kernel.db.uow import UnitOfWork

PERIODS = 13
"""How many closed periods are shown."""
MOST_CUSTOMERS = 500
BUYER_NAME = Entitlement.context["organization"]["name"].astext.label("buyer_name")
"""As the seller's system was told: an organization's own row is its own to read."""


def get_usage(uow: UnitOfWork, entitlement_id: UUID) -> UsageView:
    """The usage of an entitlement that the acting organization bought or sold, as of the last event. Raises NotFound."""
    terms = get_usage_terms(uow, entitlement_id)
    present = _present(uow, terms)
    days: dict[str, list[DayUsage]] = defaultdict(list)
    for row in _days(uow, entitlement_id, present.starts_at if present else None):
        days[row.dimension].append(DayUsage(row.day, row.quantity))
    used = {name: sum((one.quantity for one in found), Decimal(0)) for name, found in days.items()}
    priced = present.terms if present else terms.now
    rated = rate_period(priced.price, used, is_trial=present is not None and present.is_trial)
    caps = {
        cap.dimension: cap
        for cap in uow.session.scalars(select(UsageCap).where(UsageCap.entitlement_id == entitlement_id))
    }
    amounts = {line.code: line.amount_minor for line in rated.lines}
    dimensions = tuple(
        _dimension(priced, name, used.get(name, Decimal(0)), amounts[name], caps.get(name), tuple(days[name]))
        for name in sorted(priced.price.metered)
    )
    return UsageView(
        entitlement_id,
        terms.buyer_org_id,
        terms.seller_org_id,
        terms.title,
        terms.title_en,
        present.starts_at if present else None,
        present.ends_at if present else None,
        rated.amount_minor,
        rated.currency,
        dimensions,
        _rated_periods(uow, terms),
        present is not None and present.is_trial,
    )


@dataclass(frozen=True, slots=True)
class OpenPeriod:
    """A period that goes on, and what it would cost if it ended now; it is charged when it is closed, at `closes_at`."""

    entitlement_id: UUID
    closes_at: datetime
    amount_minor: int
    currency: str


def open_periods(uow: UnitOfWork) -> list[OpenPeriod]:
    """Of the acting buyer, those that cost something by now, less the credits that are drawn first; the next one first."""
    periods = uow.session.scalars(
        select(UsagePeriod)
        .where(UsagePeriod.buyer_org_id == uow.principal.organization(), UsagePeriod.state == "open")
        .order_by(UsagePeriod.closes_at, UsagePeriod.id)
        .limit(MOST_CUSTOMERS)
    ).all()
    if not periods:
        return []
    terms = usage_terms(uow, {one.entitlement_id for one in periods})
    sums, credits_left = sums_of(uow, [one.id for one in periods]), _credits_left(uow)
    found = []
    for period in periods:
        price = terms[period.entitlement_id].by_id(period.terms_id).price
        used = {name: sums.get((period.id, name), Decimal(0)) for name in price.metered}
        rated = rate_period(price, used, is_trial=period.is_trial)
        drawn = min(rated.amount_minor, credits_left.get(period.entitlement_id, 0))
        credits_left[period.entitlement_id] = credits_left.get(period.entitlement_id, 0) - drawn
        if rated.amount_minor > drawn:
            found.append(
                OpenPeriod(period.entitlement_id, period.closes_at, rated.amount_minor - drawn, rated.currency)
            )
    return found


def _credits_left(uow: UnitOfWork) -> dict[UUID, int]:
    """What the acting buyer was credited and was not drawn yet, by entitlement."""
    rows = uow.session.execute(
        select(UsagePeriod.entitlement_id, func.sum(UsageChallenge.credit_minor - UsageChallenge.drawn_minor))
        .join(UsageLine, UsageLine.period_id == UsagePeriod.id)
        .join(UsageChallenge, UsageChallenge.line_id == UsageLine.id)
        .where(
            UsageChallenge.buyer_org_id == uow.principal.organization(),
            UsageChallenge.drawn_minor < UsageChallenge.credit_minor,
            UsageChallenge.refund_id.is_(None),
        )
        .group_by(UsagePeriod.entitlement_id)
    )
    return {row[0]: int(row[1]) for row in rows}


def customers_usage(uow: UnitOfWork, buyer_id: UUID | None = None) -> list[CustomerUsage]:
    """What the acting seller's customers use in their present periods, by customer; of one of them alone, where it is named."""
    statement = (
        select(
            UsagePeriod.entitlement_id,
            UsagePeriod.buyer_org_id,
            BUYER_NAME,
            Entitlement.title,
            Entitlement.title_en,
            UsageDay.dimension,
            MeteredTerms.price,
            func.sum(UsageDay.quantity).label("quantity"),
            UsagePeriod.ends_at,
        )
        .join(UsageDay, UsageDay.period_id == UsagePeriod.id)
        .join(MeteredTerms, MeteredTerms.id == UsagePeriod.terms_id)
        .join(Entitlement, Entitlement.id == UsagePeriod.entitlement_id)
        .where(
            UsagePeriod.seller_org_id == uow.principal.organization(),
            UsagePeriod.starts_at <= clock.now(),
            UsagePeriod.ends_at > clock.now(),
        )
        .group_by(UsagePeriod.id, Entitlement.id, MeteredTerms.id, UsageDay.dimension)
        .order_by(UsagePeriod.buyer_org_id, UsagePeriod.entitlement_id, UsageDay.dimension)
        .limit(MOST_CUSTOMERS)
    )
    if buyer_id is not None:
        statement = statement.where(UsagePeriod.buyer_org_id == buyer_id)
    return [
        CustomerUsage(
            row.entitlement_id,
            row.buyer_org_id,
            row.buyer_name,
            row.title,
            row.title_en,
            row.dimension,
            *names_in(row.price, row.dimension),
            row.quantity,
            row.ends_at,
        )
        for row in uow.session.execute(statement)
    ]


def challenges_to_answer(uow: UnitOfWork) -> list[ChallengeView]:
    """What the acting seller has still to answer, the most urgent first."""
    statement = (
        _challenges()
        .where(
            UsageChallenge.seller_org_id == uow.principal.organization(),
            UsageChallenge.state.in_(["open", "overdue"]),
        )
        .order_by(UsageChallenge.deadline_at, UsageChallenge.id)
        .limit(MOST_CUSTOMERS)
    )
    return [_challenge(row) for row in uow.session.execute(statement)]


def _present(uow: UnitOfWork, terms: UsageTerms) -> Bounds | None:
    """The period that goes on, or the last one of what has ended: as it was opened, else as it would be."""
    if terms.valid_from is None:
        return None
    at = max(min(clock.now(), terms.valid_to or clock.now()), terms.valid_from)
    opened = uow.session.scalars(
        select(UsagePeriod)
        .where(
            UsagePeriod.entitlement_id == terms.entitlement_id, UsagePeriod.starts_at <= at, UsagePeriod.ends_at >= at
        )
        .order_by(UsagePeriod.starts_at.desc() if terms.state != "ended" else UsagePeriod.starts_at)
    ).first()
    if opened is None or (opened.ends_at == at and terms.state != "ended"):
        return terms.period_at(at)
    return Bounds(opened.starts_at, opened.ends_at, terms.by_id(opened.terms_id), opened.is_trial)


def _days(uow: UnitOfWork, entitlement_id: UUID, starts_at: datetime | None) -> Any:
    return uow.session.execute(
        select(UsageDay.dimension, UsageDay.day, UsageDay.quantity)
        .join(UsagePeriod, UsagePeriod.id == UsageDay.period_id)
        .where(UsagePeriod.entitlement_id == entitlement_id, UsagePeriod.starts_at == starts_at)
        .order_by(UsageDay.dimension, UsageDay.day)
    )


def _dimension(
    terms: UsagePrice, name: str, used: Decimal, amount_minor: int, cap: UsageCap | None, days: tuple[DayUsage, ...]
) -> DimensionUsage:
    metered = terms.price.metered[name]
    return DimensionUsage(
        name,
        *metered.names,
        terms.unit(name),
        *metered.units,
        used,
        metered.included,
        cap.quantity if cap else None,
        cap.kind if cap else None,
        amount_minor,
        terms.price.currency,
        days,
    )


def _rated_periods(uow: UnitOfWork, terms: UsageTerms) -> tuple[RatedPeriod, ...]:
    periods = uow.session.scalars(
        select(UsagePeriod)
        .where(UsagePeriod.entitlement_id == terms.entitlement_id, UsagePeriod.state != "open")
        .order_by(UsagePeriod.starts_at.desc())
        .limit(PERIODS)
    ).all()
    if not periods:
        return ()
    ids = [period.id for period in periods]
    challenges = {
        row.UsageChallenge.line_id: _challenge(row)
        for row in uow.session.execute(_challenges().where(UsageLine.period_id.in_(ids)))
    }
    lines: dict[UUID, list[RatedLine]] = defaultdict(list)
    found = select(UsageLine).where(UsageLine.period_id.in_(ids)).order_by(UsageLine.kind.desc(), UsageLine.dimension)
    for line in uow.session.scalars(found):
        lines[line.period_id].append(
            RatedLine(
                line.id,
                line.kind,
                line.dimension,
                *dimension_names(line.explained, line.dimension),
                line.quantity,
                line.amount_minor,
                line.currency,
                challenges.get(line.id),
                line.explained,
            )
        )
    return tuple(
        RatedPeriod(
            period.id,
            period.state,
            period.starts_at,
            period.ends_at,
            period.amount_minor or 0,
            period.credited_minor,
            period.is_trial,
            terms.by_id(period.terms_id).price.interval,
            period.currency,
            tuple(lines[period.id]),
        )
        for period in periods
    )


def _challenges() -> Select[Any, Any, Any, Any]:
    return (
        select(UsageChallenge, UsageLine, Entitlement, BUYER_NAME)
        .join(UsageLine, UsageLine.id == UsageChallenge.line_id)
        .join(UsagePeriod, UsagePeriod.id == UsageLine.period_id)
        .join(Entitlement, Entitlement.id == UsagePeriod.entitlement_id)
    )


def _challenge(row: Any) -> ChallengeView:
    one: UsageChallenge = row.UsageChallenge
    line: UsageLine = row.UsageLine
    return ChallengeView(
        one.id,
        line.id,
        one.buyer_org_id,
        row.buyer_name,
        row.Entitlement.id,
        row.Entitlement.title,
        row.Entitlement.title_en,
        line.dimension,
        *dimension_names(line.explained, line.dimension),
        line.quantity,
        line.amount_minor,
        line.currency,
        one.state,
        one.question,
        one.answer,
        one.credit_minor,
        one.deadline_at,
        one.created_at,
    )
