"""Why a closed statement is not paid yet, or by which way it is going to be: for its party and the platform alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from billing.connected_accounts.held import why_held
from billing.payouts.models import PayoutSchedule
from billing.payouts.schedule import next_due
from billing.payouts.settled_shares import disputed_shares, taken_up_minor
from billing.statements.models import Statement
from kernel import clock
from kernel.db.uow import UnitOfWork
from marketplace.onboarding.models import PayoutAccount
from marketplace.onboarding.payable_account import trouble_of
from marketplace.parties.lookups import get_party
from marketplace.parties.models import PLATFORM_ORG_ID

Wait = Literal["missing", "held", "holder_differs", "gateway_held", "disputed", "minimum", "scheduled", "by_hand"]
"""No account; an account that was just changed; its holder is called otherwise; its gateway pays nothing out to it; a bank
decides; too little to be paid alone; its day comes; an operator pays it by hand."""


@dataclass(frozen=True, slots=True)
class PayoutOutlook:
    """How a closed statement will be paid. `rail` None: there is no account; `until`: when a hold ends; `on`: the day."""

    statement_id: UUID
    rail: str | None
    account_id: UUID | None
    account_last4: str
    waits_for: Wait
    until: datetime | None
    on: date | None

    @property
    def payable(self) -> bool:
        """Whether an operator could pay it now."""
        return self.waits_for in {"minimum", "scheduled", "by_hand"}


def outlooks(uow: UnitOfWork, statement_ids: Collection[UUID]) -> dict[UUID, PayoutOutlook]:
    """Of the closed statements among these that something is to be paid of; one's own, or the platform's view of all."""
    wanted = select(Statement).where(
        Statement.id.in_(statement_ids), Statement.state == "closed", Statement.net_minor > 0
    )
    if not uow.principal.is_platform:
        wanted = wanted.where(Statement.org_id == uow.principal.organization())
    statements = uow.session.scalars(wanted.order_by(Statement.closed_at)).all()
    parties = {one.org_id for one in statements}
    accounts = {
        (row.org_id, row.currency): row
        for row in uow.session.scalars(
            select(PayoutAccount).where(PayoutAccount.org_id.in_(parties), PayoutAccount.replaced_at.is_(None))
        )
    }
    schedules = {
        (row.org_id, row.currency): row
        for row in uow.session.scalars(select(PayoutSchedule).where(PayoutSchedule.org_id.in_(parties)))
    }
    names = {org_id: get_party(uow, org_id).legal_name for org_id in parties}
    zone = ZoneInfo(get_party(uow, PLATFORM_ORG_ID).time_zone)
    payable: dict[tuple[UUID, str], int] = {}
    for one in statements:
        key = one.org_id, one.currency
        payable[key] = payable.get(key, 0) + one.net_minor
    return {
        one.id: _outlook(
            uow, one, accounts, schedules.get((one.org_id, one.currency)), names[one.org_id], zone, payable
        )
        for one in statements
    }


def is_held_by_gateway(uow: UnitOfWork, account: PayoutAccount) -> bool:
    """Whether the gateway at which a party's account is pays nothing out to it now."""
    if account.gateway_account is None:
        return False
    return why_held(uow, account.org_id, account.rail, account.gateway_account) is not None


def held_by_gateways(uow: UnitOfWork, account_ids: Collection[UUID]) -> frozenset[UUID]:
    """Those of the acting organization's payout accounts to which a gateway pays nothing out now."""
    rows = uow.session.scalars(
        select(PayoutAccount).where(
            PayoutAccount.org_id == uow.principal.organization(), PayoutAccount.id.in_(account_ids)
        )
    )
    return frozenset(row.id for row in rows if is_held_by_gateway(uow, row))


def _outlook(
    uow: UnitOfWork,
    statement: Statement,
    accounts: Mapping[tuple[UUID, str], PayoutAccount],
    schedule: PayoutSchedule | None,
    legal_name: str,
    zone: ZoneInfo,
    payable: Mapping[tuple[UUID, str], int],
) -> PayoutOutlook:
    key = statement.org_id, statement.currency
    account = accounts.get(key)
    now = clock.now()
    waits: Wait | None = trouble_of(account, legal_name, now)
    if waits is None and account is not None and is_held_by_gateway(uow, account):
        waits = "gateway_held"
    if waits is None:
        held_minor = sum(one.left_minor for one in disputed_shares(uow, statement))
        if statement.net_minor - taken_up_minor(uow, statement.id) <= held_minor:
            waits = "disputed"
    on = None
    if waits is None and schedule is not None:
        on = next_due(
            schedule.every, schedule.day, max(now.astimezone(zone).date(), statement.closed_at.astimezone(zone).date())
        )
        if on is not None:
            waits = "minimum" if payable[key] < schedule.minimum_minor else "scheduled"
    return PayoutOutlook(
        statement_id=statement.id,
        rail=account.rail if account is not None else None,
        account_id=account.id if account is not None else None,
        account_last4=account.account_last4 if account is not None else "",
        waits_for=waits or "by_hand",
        until=account.held_until if account is not None and waits == "held" else None,
        on=on if waits == "scheduled" else None,
    )
