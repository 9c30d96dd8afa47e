"""Agreements about who pays, as each side reads them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select

from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from kernel.states import state_in
from marketplace.parties.models import Organization
from marketplace.payers.agree import PERMISSION
from marketplace.payers.models import PayerAgreement


@dataclass(frozen=True, slots=True)
class PayerAgreementRow:
    """An agreement. `is_payer`: the reader's organization pays; `may_answer`: it waits for the reader's side.

    `by_right`: it stands on the right to pay that a subsidiary gave its headquarters.
    """

    id: UUID
    org_id: UUID
    org_name: str
    payer_org_id: UUID
    payer_name: str
    state: str
    is_payer: bool
    by_payer: bool
    may_answer: bool
    by_right: bool
    invoice_to: str
    currency: str
    monthly_limit_minor: int | None
    order_limit_minor: int | None
    created_at: datetime
    accepted_at: datetime | None
    ended_at: datetime | None
    ended_by_payer: bool | None


@dataclass(frozen=True, slots=True)
class ActivePayer:
    """Who pays for an organization now. `time_zone`: the payer's, whose calendar has the months of the limit."""

    agreement_id: UUID
    org_id: UUID
    payer_org_id: UUID
    payer_name: str
    invoice_to: str
    currency: str
    monthly_limit_minor: int | None
    order_limit_minor: int | None
    time_zone: str


def list_agreements(
    uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20, is_payer: bool | None = None
) -> Page[PayerAgreementRow]:
    """Of the acting organization on either side, or on one; the newest first.

    Raises: Forbidden `permission_missing` without billing.manage.
    """
    uow.principal.require(PERMISSION)
    own_id = uow.principal.organization()
    pays, orders = PayerAgreement.payer_org_id == own_id, PayerAgreement.org_id == own_id
    found = select(PayerAgreement).where(or_(pays, orders) if is_payer is None else pays if is_payer else orders)
    rows = uow.session.scalars(newest_first(found, PayerAgreement.created_at, PayerAgreement.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page([_row(uow, one) for one in page.items], page.next_cursor)


def get_agreement(uow: UnitOfWork, agreement_id: UUID) -> PayerAgreementRow:
    """One of the acting organization's, on whichever side.

    Raises: Forbidden `permission_missing` without billing.manage; NotFound `payer_agreement_not_found`.
    """
    uow.principal.require(PERMISSION)
    row = uow.session.get(PayerAgreement, agreement_id)
    if row is None or uow.principal.organization() not in row.parties:
        raise NotFound("payer_agreement_not_found")
    return _row(uow, row)


def active_payer(uow: UnitOfWork, org_id: UUID) -> ActivePayer | None:
    """Who pays for what `org_id` orders now; None: itself. Of another organization than the acting one nobody is told."""
    if not uow.principal.is_platform and uow.principal.organization() != org_id:
        return None
    with as_platform(uow):
        found = uow.session.execute(
            select(PayerAgreement, Organization.time_zone)
            .join(Organization, Organization.id == PayerAgreement.payer_org_id)
            .where(PayerAgreement.org_id == org_id, state_in(PayerAgreement.state, "active"))
        ).first()
    if found is None:
        return None
    row: PayerAgreement = found[0]
    return ActivePayer(
        row.id,
        row.org_id,
        row.payer_org_id,
        row.payer_name,
        row.invoice_to,
        row.currency.strip(),
        row.monthly_limit_minor,
        row.order_limit_minor,
        found[1],
    )


def _row(uow: UnitOfWork, row: PayerAgreement) -> PayerAgreementRow:
    is_payer = row.payer_org_id == uow.principal.organization()
    return PayerAgreementRow(
        id=row.id,
        org_id=row.org_id,
        org_name=row.org_name,
        payer_org_id=row.payer_org_id,
        payer_name=row.payer_name,
        state=row.state,
        is_payer=is_payer,
        by_payer=row.by_payer,
        may_answer=row.state == "proposed" and is_payer is not row.by_payer,
        by_right=row.membership_id is not None,
        invoice_to=row.invoice_to,
        currency=row.currency.strip(),
        monthly_limit_minor=row.monthly_limit_minor,
        order_limit_minor=row.order_limit_minor,
        created_at=row.created_at,
        accepted_at=row.accepted_at,
        ended_at=row.ended_at,
        ended_by_payer=row.ended_by_payer,
    )
