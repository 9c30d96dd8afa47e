"""A dealer names an end customer, which confirms that the dealer orders for it; either side ends it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Gone, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from marketplace.access.counted_limits import Limit, count_within
from marketplace.access.find_organizations import find_by_tax_id, get_findable
from marketplace.end_customers.events import EndCustomerAsked, EndCustomerConfirmed, EndCustomerEnded
from marketplace.end_customers.models import END_CUSTOMER, EndCustomer
from marketplace.input_text import line
from marketplace.parties.lookups import get_party

PERMISSION = "orders.buy"
"""Whoever buys for an organization orders for its end customers, and confirms who may order for it."""
ASKED = Limit(200, timedelta(days=1))
"""Of one dealer: enough for a day's customers, too few to write to everybody."""
LINK_LASTS = timedelta(days=30)
MOST_TAX_ID = 40


@dataclass(frozen=True, slots=True)
class AskEndCustomer:
    """An organization by its id or its tax identifier; one that has neither here is invited by a link, under its `name`."""

    org_id: UUID | None = None
    name: str = ""
    tax_id: str = ""


def ask_end_customer(uow: UnitOfWork, command: AskEndCustomer) -> EndCustomer:
    """Ask an organization whether the acting one may order for it. Nothing can be ordered for it before it says yes.

    One that is found by the tax identifier is told at once. Else a link is made, for the dealer to send.

    Raises: Forbidden `permission_missing` without orders.buy; NotFound `organization_not_found`; Invalid `text_required`,
        `text_too_long`; Conflict `end_customer_is_oneself`, `end_customer_there_already`; TooMany
        `end_customers_asked_too_often`, `lookups_too_often`.
    Emits: EndCustomerAsked, where the organization is known.
    """
    uow.principal.require(PERMISSION)
    own, tax_id = get_party(uow, uow.principal.organization()), plain_tax_id(command.tax_id)
    if command.org_id == own.org_id or (tax_id and tax_id == plain_tax_id(own.tax_id or "")):
        raise Conflict("end_customer_is_oneself")
    with as_platform(uow):
        count_within(uow, ASKED, "end_customers_asked_too_often", "end_customers_asked", str(own.org_id))
    known = get_findable(uow, command.org_id) if command.org_id is not None else None
    if known is None and tax_id:
        known = find_by_tax_id(uow, tax_id)
    now = clock.now()
    row = EndCustomer(
        id=uuid7(),
        dealer_org_id=own.org_id,
        org_id=known.id if known is not None else None,
        dealer_name=own.display_name,
        name=known.display_name if known is not None else line("name", command.name, 120),
        tax_id=None if known is not None else tax_id or None,
        code=None if known is not None else secrets.token_urlsafe(16),
        asked_by=uow.principal.person_id,
        created_at=now,
        expires_at=None if known is not None else now + LINK_LASTS,
        confirmed_at=None,
        ended_at=None,
        ended_by_dealer=None,
    )
    END_CUSTOMER.begin(uow, row, org_ids=row.parties)
    uow.session.add(row)
    uow.flush()
    if row.org_id is not None:
        emit(uow, EndCustomerAsked(**row.fact))
    return row


def confirm_end_customer(uow: UnitOfWork, end_customer_id: UUID) -> EndCustomer:
    """Let the dealer order for the acting organization from now on. Confirmed already, nothing changes.

    Raises: as `lock_end_customer`; Conflict `end_customer_not_yours` (the dealer's side), `end_customer_over`.
    Emits: EndCustomerConfirmed. Locks: the row.
    """
    row = lock_end_customer(uow, end_customer_id)
    if row.org_id != uow.principal.organization():
        raise Conflict("end_customer_not_yours")
    if row.state == "active":
        return row
    if row.state == "ended":
        raise Conflict("end_customer_over")
    _confirm(uow, row)
    emit(uow, EndCustomerConfirmed(**row.fact))
    return row


def confirm_by_link(uow: UnitOfWork, code: str) -> EndCustomer:
    """Be the end customer that a dealer's link is for. Confirmed by the same organization already, nothing changes.

    Raises: Forbidden `permission_missing` without orders.buy; NotFound `end_customer_not_found`; Gone `end_customer_link_over`;
        Conflict `end_customer_is_oneself` (the dealer itself), `end_customer_other_tax_id`, `end_customer_there_already`.
    Emits: EndCustomerConfirmed. Locks: the row; of two that open a link at once one is the end customer.
    """
    uow.principal.require(PERMISSION)
    own = get_party(uow, uow.principal.organization())
    with as_platform(uow):
        row = uow.session.scalar(
            select(EndCustomer)
            .where(EndCustomer.code == code)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if row is None:
            raise NotFound("end_customer_not_found")
        if row.dealer_org_id == own.org_id:
            raise Conflict("end_customer_is_oneself")
        if row.state == "active" and row.org_id == own.org_id:
            return row
        if row.state != "asked" or row.expires_at is None or row.expires_at <= clock.now():
            raise Gone("end_customer_link_over")
        if row.tax_id is not None and row.tax_id != plain_tax_id(own.tax_id or ""):
            raise Conflict("end_customer_other_tax_id", tax_id=row.tax_id)
        row.org_id, row.name = own.org_id, own.display_name
        _confirm(uow, row)
    emit(uow, EndCustomerConfirmed(**row.fact))
    return row


def end_end_customer(uow: UnitOfWork, end_customer_id: UUID) -> EndCustomer:
    """End it, say no to it, or take it back, whichever it is for the acting side: nothing more is ordered by it.

    What was delivered is used until its paid term ends; it is not renewed (`orders.end_customers`). Ended already, nothing
    changes. Raises: as `lock_end_customer`. Emits: EndCustomerEnded. Locks: the row.
    """
    row = lock_end_customer(uow, end_customer_id)
    if row.state == "ended":
        return row
    was_active, by_dealer = row.state == "active", row.dealer_org_id == uow.principal.organization()
    row.ended_at, row.ended_by_dealer = clock.now(), by_dealer
    END_CUSTOMER.move(uow, row, "ended", org_ids=row.parties)
    uow.flush()
    if row.org_id is not None:
        emit(uow, EndCustomerEnded(**row.fact, by_dealer=by_dealer, was_active=was_active))
    return row


def lock_end_customer(uow: UnitOfWork, end_customer_id: UUID) -> EndCustomer:
    """One of the acting organization's, on whichever side.

    Raises: Forbidden `permission_missing` without orders.buy; NotFound `end_customer_not_found`. Locks: the row.
    """
    uow.principal.require(PERMISSION)
    row = lock_row(uow.session, EndCustomer, end_customer_id)
    if row is None or uow.principal.organization() not in row.parties:
        raise NotFound("end_customer_not_found")
    return row


def plain_tax_id(typed: str) -> str:
    """A tax identifier as organizations keep it. Raises Invalid `text_too_long`."""
    plain = "".join(typed.split()).upper()
    if len(plain) > MOST_TAX_ID:
        raise Invalid("text_too_long", field="tax_id", limit=MOST_TAX_ID)
    return plain


def _confirm(uow: UnitOfWork, row: EndCustomer) -> None:
    row.confirmed_at = clock.now()
    END_CUSTOMER.move(uow, row, "active", org_ids=row.parties)
    uow.flush()
