"""Reads of payees' tax profiles, and of their years."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select

from billing.payee_tax import labour_income
from billing.payee_tax.facts import TaxMonth, tax_months, tax_zone, year_bounds
from billing.payee_tax.labour_income import Withholding, withholding
from billing.payee_tax.models import PayeeTaxProfile
from billing.payee_tax.save_profile import open_tin
from billing.payouts.models import Payout
from billing.shares.models import Share
from kernel import audit
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from kernel.secrets import SecretBox
from marketplace.parties.lookups import get_party
from marketplace.parties.models import Organization

OPERATES = "operator.payouts"
_READ = "money.read"
_WIDEST = timedelta(hours=15)
"""No time zone is further from UTC."""
_PAGE = 100


@dataclass(frozen=True, slots=True)
class PayeeTaxProfileRow:
    """What a payee states about itself; of the identifier the last four characters."""

    id: UUID
    org_id: UUID
    payee_type: str
    residence_country: str
    us_form: str | None
    us_classification: str | None
    tin_kind: str
    tin_last4: str
    vat_status: str
    created_at: datetime

    @property
    def is_labour_in_china(self) -> bool:
        """Whether its commissions are labour income of a natural person in China."""
        return self.payee_type == "person" and self.residence_country == "CN"


@dataclass(frozen=True, slots=True)
class PayeeYear:
    """A payee and its facts of one year, which begins at midnight in `time_zone`."""

    org_id: UUID
    legal_name: str
    country: str
    time_zone: str
    year: int
    profile: PayeeTaxProfileRow | None
    months: tuple[TaxMonth, ...]

    def withholding_of(self, month: TaxMonth) -> Withholding | None:
        """What would be withheld in China of a month's commissions; None where that does not concern the payee."""
        concerns = self.profile is not None and self.profile.is_labour_in_china and month.commissions_minor > 0
        return withholding(month.commissions_minor) if concerns and month.currency == labour_income.CURRENCY else None

    @property
    def totals(self) -> tuple[TaxMonth, ...]:
        """The year by currency."""
        by_currency: defaultdict[str, list[TaxMonth]] = defaultdict(list)
        for one in self.months:
            by_currency[one.currency].append(one)
        return tuple(_total(months) for _, months in sorted(by_currency.items()))


def find_payee_tax_profile(uow: UnitOfWork) -> PayeeTaxProfileRow | None:
    """What the acting organization states about itself."""
    uow.principal.require(_READ)
    org_id = uow.principal.organization()
    return _profiles(uow, [org_id]).get(org_id)


def own_payee_year(uow: UnitOfWork, year: int) -> PayeeYear:
    """The acting organization's year. Raises Invalid(`tax_year_unknown`)."""
    uow.principal.require(_READ)
    party = get_party(uow, uow.principal.organization())
    return _years(uow, [(party.org_id, party.legal_name, party.country, party.time_zone)], year)[0]


def get_payee_year(uow: UnitOfWork, org_id: UUID, year: int) -> PayeeYear:
    """Any payee's year, for the platform. Raises NotFound(`organization_not_found`), Invalid(`tax_year_unknown`)."""
    uow.principal.require(OPERATES)
    row = uow.session.get(Organization, org_id)
    if row is None:
        raise NotFound("organization_not_found")
    return _years(uow, [(row.id, row.legal_name, row.country, row.time_zone)], year)[0]


def list_payee_years(uow: UnitOfWork, *, year: int, cursor: str | None = None, limit: int = 20) -> Page[PayeeYear]:
    """Whoever sold something or was paid in a year, the newest organization first. Raises Invalid(`tax_year_unknown`)."""
    uow.principal.require(OPERATES)
    starts_at, ends_at = (at + by for at, by in zip(year_bounds(year, "UTC"), (-_WIDEST, _WIDEST), strict=True))
    sold = exists().where(
        Share.org_id == Organization.id,
        Share.kind == "seller",
        Share.captured_at >= starts_at,
        Share.captured_at < ends_at,
    )
    paid = exists().where(
        Payout.org_id == Organization.id,
        Payout.state == "paid",
        Payout.paid_at >= starts_at,
        Payout.paid_at < ends_at,
    )
    whose: tuple[Any, ...] = (
        Organization.id,
        Organization.legal_name,
        Organization.country,
        Organization.time_zone,
        Organization.created_at,
    )
    statement = select(*whose).where(sold | paid)
    rows = uow.session.execute(newest_first(statement, Organization.created_at, Organization.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    found = _years(uow, [(row.id, row.legal_name, row.country, row.time_zone) for row in page.items], year)
    return Page([one for one in found if one.months], page.next_cursor)


def read_payee_years(uow: UnitOfWork, year: int) -> Iterator[PayeeYear]:
    """All of them, a hundred at a time. Raises Invalid(`tax_year_unknown`)."""
    cursor = None
    while True:
        page = list_payee_years(uow, year=year, cursor=cursor, limit=_PAGE)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def reveal_tin(uow: UnitOfWork, org_id: UUID, box: SecretBox) -> tuple[PayeeTaxProfileRow, str]:
    """A payee's identifier, whole, for whoever files. Who looked is written down.

    Raises: Forbidden `permission_missing` without operator.payouts. NotFound `payee_tax_profile_not_found`.
    """
    uow.principal.require(OPERATES)
    row = uow.session.scalar(
        select(PayeeTaxProfile).where(PayeeTaxProfile.org_id == org_id, PayeeTaxProfile.replaced_at.is_(None))
    )
    if row is None:
        raise NotFound("payee_tax_profile_not_found")
    audit.record(uow, "payee_tax_profile.revealed", subject_id=row.id)
    return to_payee_tax_profile_row(row), open_tin(row, box)


def to_payee_tax_profile_row(row: PayeeTaxProfile) -> PayeeTaxProfileRow:
    """A stored profile as it is read."""
    return PayeeTaxProfileRow(**{name: getattr(row, name) for name in PayeeTaxProfileRow.__dataclass_fields__})


def _years(uow: UnitOfWork, parties: Sequence[tuple[UUID, str, str, str]], year: int) -> list[PayeeYear]:
    """The years of parties (id, name, country, time zone), in their order: one query for each time zone."""
    profiles = _profiles(uow, [party[0] for party in parties])
    homes = {}
    for org_id, _, country, time_zone in parties:
        profile = profiles.get(org_id)
        home = profile.residence_country if profile is not None else country
        homes[org_id] = (home, tax_zone(home, time_zone))
    of_zone: defaultdict[str, list[UUID]] = defaultdict(list)
    for org_id, (_, zone) in homes.items():
        of_zone[zone].append(org_id)
    months: defaultdict[UUID, list[TaxMonth]] = defaultdict(list)
    for zone, org_ids in of_zone.items():
        for month in tax_months(uow, org_ids, zone, year):
            months[month.org_id].append(month)
    return [
        PayeeYear(org_id, name, *homes[org_id], year, profiles.get(org_id), tuple(months[org_id]))
        for org_id, name, _, _ in parties
    ]


def _profiles(uow: UnitOfWork, org_ids: Sequence[UUID]) -> dict[UUID, PayeeTaxProfileRow]:
    rows = uow.session.scalars(
        select(PayeeTaxProfile).where(PayeeTaxProfile.org_id.in_(org_ids), PayeeTaxProfile.replaced_at.is_(None))
    )
    return {row.org_id: to_payee_tax_profile_row(row) for row in rows}


def _total(months: Sequence[TaxMonth]) -> TaxMonth:
    counted = ("transactions", "gross_minor", "tax_minor", "refunded_minor", "payouts", "paid_minor", "returned_minor")
    sums = {name: sum(getattr(one, name) for one in months) for name in (*counted, "commissions_minor")}
    return TaxMonth(
        org_id=months[0].org_id, month=months[0].month.replace(month=1), currency=months[0].currency, **sums
    )
