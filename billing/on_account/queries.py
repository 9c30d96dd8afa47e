"""Reads of what is owed for purchases on account: by its buyer, and by the platform of all buyers, by age."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, select, tuple_

from billing.bank.models import BankTransfer
from billing.bank.queries import TransferFile
from billing.credit_lines.models import ON_ACCOUNT
from billing.on_account.models import DunningNotice
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.paging import Page, bounded, cut, decode, newest_first
from kernel.states import state_in
from marketplace.parties.models import Organization

READ = "operator.read"
BUCKETS: Final = ((0, "current"), (30, "to_30"), (60, "to_60"), (90, "to_90"))
"""Ages of what is owed: days overdue up to which it is called so; more is `over_90`."""
AGES: Final = (*(age for _, age in BUCKETS), "over_90")
MOST: Final = 5_000
"""Purchases that totals are made of."""


@dataclass(frozen=True, slots=True)
class OwedView:
    """A purchase on account that is not paid."""

    transfer_id: UUID
    payment_id: UUID
    org_id: UUID
    organization: str
    description: str
    remark_code: str
    owed_minor: int
    currency: str
    due_at: datetime
    days_overdue: int
    """0 until it is due."""
    age: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AgeTotal:
    """What is owed of one age in one currency."""

    age: str
    currency: str
    owed_minor: int
    purchases: int


@dataclass(frozen=True, slots=True)
class NoticeView:
    """A reminder or letter about what was owed then. `days` after the due day; negative before it."""

    id: UUID
    payment_id: UUID
    organization: str
    remark_code: str
    description: str
    days: int
    owed_minor: int
    currency: str
    due_at: datetime
    files: tuple[str, ...]
    """Languages in which its letter is drawn."""
    created_at: datetime


def list_notices(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[NoticeView]:
    """What all buyers were told, newest first. Raises Forbidden."""
    uow.principal.require(READ)
    return _reminders(uow, _REMINDERS, cursor, limit)


def own_notices(
    uow: UnitOfWork, *, payment_id: UUID | None = None, cursor: str | None = None, limit: int = 20
) -> Page[NoticeView]:
    """What the acting organization was told of what it owes, or owed for one payment, newest first."""
    mine = _REMINDERS.where(DunningNotice.payer_org_id == uow.principal.organization())
    if payment_id is not None:
        mine = mine.where(BankTransfer.payment_id == payment_id)
    return _reminders(uow, mine, cursor, limit)


def find_letter_file(uow: UnitOfWork, notice_id: UUID, language: str) -> TransferFile:
    """Where a drawn letter lies: of the acting organization's, or, for the platform, of anybody's.

    Raises: NotFound, also of a reminder, which has none; Conflict `transfer_file_not_ready` before it is drawn.
    """
    found = _REMINDERS.where(DunningNotice.id == notice_id, DunningNotice.days > 0)
    if not uow.principal.may(READ):
        found = found.where(DunningNotice.payer_org_id == uow.principal.organization())
    row = uow.session.execute(found).first()
    if row is None:
        raise NotFound("not_found")
    files = row.DunningNotice.files
    if language not in files:
        raise Conflict("transfer_file_not_ready")
    return TransferFile(
        files[language]["key"], f"letter-{row.BankTransfer.remark_code}-{row.DunningNotice.days}.{language}.pdf"
    )


def owed_age(days_overdue: int) -> str:
    """What an age in days is called."""
    return next((age for most, age in BUCKETS if days_overdue <= most), "over_90")


def list_owed(uow: UnitOfWork, *, overdue: bool = False, cursor: str | None = None, limit: int = 20) -> Page[OwedView]:
    """What all buyers owe, the first due first; `overdue`: what should be here. Raises Forbidden."""
    uow.principal.require(READ)
    return _page(uow, _owed(overdue=overdue), cursor, limit)


def own_owed(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[OwedView]:
    """What the acting organization owes, the first due first."""
    mine = _owed().where(BankTransfer.payer_org_id == uow.principal.organization())
    return _page(uow, mine, cursor, limit)


def owed_totals(uow: UnitOfWork) -> list[AgeTotal]:
    """What is owed by age and currency: of all buyers for the platform, else of the acting organization; the `MOST` first due."""
    statement = _owed()
    if not uow.principal.may(READ):
        statement = statement.where(BankTransfer.payer_org_id == uow.principal.organization())
    sums: dict[tuple[str, str], list[int]] = {}
    for row in uow.session.execute(statement.limit(MOST)):
        one = _view(row)
        sums.setdefault((one.currency, one.age), []).append(one.owed_minor)
    ordered = sorted(sums.items(), key=lambda item: (item[0][0], AGES.index(item[0][1])))
    return [AgeTotal(age, currency, sum(owed), len(owed)) for (currency, age), owed in ordered]


def _owed(*, overdue: bool = False) -> Select[BankTransfer, str]:
    statement = (
        select(BankTransfer, Organization.legal_name)
        .join(Organization, Organization.id == BankTransfer.payer_org_id)
        .where(state_in(BankTransfer.gateway, ON_ACCOUNT), state_in(BankTransfer.state, "awaited"))
        .order_by(BankTransfer.deadline_at, BankTransfer.id)
    )
    return statement.where(BankTransfer.deadline_at <= clock.now()) if overdue else statement


def _page(uow: UnitOfWork, statement: Select[BankTransfer, str], cursor: str | None, limit: int) -> Page[OwedView]:
    if cursor:
        statement = statement.where(tuple_(BankTransfer.deadline_at, BankTransfer.id) > tuple_(*decode(cursor)))
    rows = uow.session.execute(statement.limit(bounded(limit) + 1)).all()
    page = cut(rows, limit, lambda row: (row.BankTransfer.deadline_at, row.BankTransfer.id))
    return Page([_view(row) for row in page.items], page.next_cursor)


def _view(row: Any) -> OwedView:
    transfer: BankTransfer = row.BankTransfer
    days = max(0, -(-(clock.now() - transfer.deadline_at) // timedelta(days=1)))
    return OwedView(
        transfer_id=transfer.id,
        payment_id=transfer.payment_id,
        org_id=transfer.payer_org_id,
        organization=row.legal_name,
        description=transfer.description,
        remark_code=transfer.remark_code,
        owed_minor=transfer.missing_minor,
        currency=transfer.currency.strip(),
        due_at=transfer.deadline_at,
        days_overdue=days,
        age=owed_age(days),
        created_at=transfer.created_at,
    )


_REMINDERS: Final[Any] = (
    select(DunningNotice, BankTransfer, Organization.legal_name)
    .join(BankTransfer, BankTransfer.id == DunningNotice.transfer_id)
    .join(Organization, Organization.id == DunningNotice.payer_org_id)
)


def _reminders(uow: UnitOfWork, statement: Any, cursor: str | None, limit: int) -> Page[NoticeView]:
    ordered = newest_first(statement, DunningNotice.created_at, DunningNotice.id, cursor, limit)
    rows = uow.session.execute(ordered).all()
    page = cut(rows, limit, lambda row: (row.DunningNotice.created_at, row.DunningNotice.id))
    return Page([_notice(row) for row in page.items], page.next_cursor)


def _notice(row: Any) -> NoticeView:
    notice, transfer = row.DunningNotice, row.BankTransfer
    return NoticeView(
        id=notice.id,
        payment_id=transfer.payment_id,
        organization=row.legal_name,
        remark_code=transfer.remark_code,
        description=transfer.description,
        days=notice.days,
        owed_minor=notice.owed_minor,
        currency=notice.currency.strip(),
        due_at=notice.due_at,
        files=tuple(sorted(notice.files)),
        created_at=notice.created_at,
    )
