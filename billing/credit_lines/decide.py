"""Buyers ask for credit lines; people of the platform grant, change and close them, with reasons."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from billing.credit_lines.events import CreditLineDecided
from billing.credit_lines.hold import lock_line
from billing.credit_lines.models import CREDIT_LINE, CreditLine
from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.money import CURRENCIES
from kernel.text import plain_text
from marketplace.parties.models import Organization

ASK, MANAGE = "billing.manage", "operator.payouts"
USUAL_TERM_DAYS = 30
MOST_TERM_DAYS = 120
MOST_MINOR = 10**15
"""Far above any limit that is meant; far below what a column holds."""


@dataclass(frozen=True, slots=True)
class AskCreditLine:
    """The acting organization would like to owe up to `limit_minor`; `reason` is for whoever decides."""

    currency: str
    limit_minor: int
    reason: str


@dataclass(frozen=True, slots=True)
class GrantCreditLine:
    """An organization may owe up to `limit_minor`, each purchase for `term_days`. `reason` is told to it."""

    org_id: UUID
    currency: str
    limit_minor: int
    term_days: int
    reason: str


@dataclass(frozen=True, slots=True)
class EndCreditLine:
    """Decline what is asked for, or close a line. `reason` is told to the buyer."""

    line_id: UUID
    reason: str


def ask_credit_line(uow: UnitOfWork, command: AskCreditLine) -> CreditLine:
    """Ask for a line, or for another limit of an open one. Asked again before it is decided, the later words count.

    Raises: Forbidden `permission_missing` without billing.manage; Invalid `validation_failed`, `reason_missing`.
    Locks: the line.
    """
    uow.principal.require(ASK)
    org_id, reason = uow.principal.organization(), _reason(command.reason)
    currency = _currency(command.currency)
    _check_limit(command.limit_minor, least=1)
    line = lock_line(uow, org_id, currency) or _begin(uow, org_id, currency, "asked", command.limit_minor)
    line.asked_minor, line.asked_reason = command.limit_minor, reason
    line.asked_by, line.asked_at = uow.principal.accountable_id, clock.now()
    if line.state in ("declined", "closed"):
        CREDIT_LINE.move(uow, line, "asked", org_ids=[org_id])
    uow.flush()
    audit.record(uow, "credit_line.asked", subject_id=line.id, amount_minor=command.limit_minor, currency=currency)
    return line


def grant_credit_line(uow: UnitOfWork, command: GrantCreditLine) -> CreditLine:
    """Grant what was asked for, or anything else, to an organization that asked or not. A limit below what is in use keeps new
    purchases away until enough is paid.

    Raises: Forbidden `permission_missing` without operator.payouts; NotFound `organization_not_found`; Invalid
    `validation_failed`, `reason_missing`; Conflict `credit_line_own`, to the platform itself. Emits: CreditLineDecided.
    Locks: the line.
    """
    uow.principal.require(MANAGE)
    reason, currency = _reason(command.reason), _currency(command.currency)
    _check_limit(command.limit_minor, least=0)
    if not 1 <= command.term_days <= MOST_TERM_DAYS:
        raise Invalid("validation_failed", field="term_days")
    organization = uow.session.get(Organization, command.org_id)
    if organization is None:
        raise NotFound("organization_not_found")
    if organization.is_platform:
        raise Conflict("credit_line_own")
    line = lock_line(uow, command.org_id, currency) or _begin(uow, command.org_id, currency, "open", None)
    CREDIT_LINE.move(uow, line, "open", org_ids=[line.org_id], reason=reason)
    line.change_limit(command.limit_minor)
    line.term_days = command.term_days
    _decided(uow, line, "granted", reason)
    return line


def decline_credit_line(uow: UnitOfWork, command: EndCreditLine) -> CreditLine:
    """Say no to what is asked for; an open line stays as it is.

    Raises: Forbidden; NotFound; Invalid `reason_missing`; Conflict `credit_line_not_asked`. Emits and locks as the grant.
    """
    line, reason = _named(uow, command)
    if line.asked_minor is None:
        raise Conflict("credit_line_not_asked")
    if line.state == "asked":
        CREDIT_LINE.move(uow, line, "declined", org_ids=[line.org_id], reason=reason)
    _decided(uow, line, "declined", reason)
    return line


def close_credit_line(uow: UnitOfWork, command: EndCreditLine) -> CreditLine:
    """Close an open line: no purchase goes on it any more; what is owed stays due as it was.

    Raises: Forbidden; NotFound; Invalid `reason_missing`; Conflict `credit_line_not_open`. Emits and locks as the grant.
    """
    line, reason = _named(uow, command)
    if line.state != "open":
        raise Conflict("credit_line_not_open")
    CREDIT_LINE.move(uow, line, "closed", org_ids=[line.org_id], reason=reason)
    _decided(uow, line, "closed", reason)
    return line


def _begin(uow: UnitOfWork, org_id: UUID, currency: str, state: str, asked_minor: int | None) -> CreditLine:
    """A new line. Of two that begin at once the second finds the first's."""
    line = CreditLine(
        id=uuid7(),
        org_id=org_id,
        currency=currency,
        state=state,
        limit_minor=0,
        term_days=USUAL_TERM_DAYS,
        held_minor=0,
        used_minor=0,
        over_minor=0,
        asked_minor=asked_minor,
        asked_reason="",
        decision_reason="",
        created_at=clock.now(),
    )
    if uow.add_if_absent(line, "org_id", "currency"):
        CREDIT_LINE.begin(uow, line, state, org_ids=[org_id])
    found = lock_line(uow, org_id, currency)
    assert found is not None  # noqa: S101 - it was added here or by the other
    return found


def _named(uow: UnitOfWork, command: EndCreditLine) -> tuple[CreditLine, str]:
    uow.principal.require(MANAGE)
    reason = _reason(command.reason)
    line = lock_row(uow.session, CreditLine, command.line_id)
    if line is None:
        raise NotFound("not_found")
    return line, reason


def _decided(uow: UnitOfWork, line: CreditLine, outcome: str, reason: str) -> None:
    asked_by = line.asked_by if line.asked_minor is not None else None
    line.asked_minor = None
    line.decided_by, line.decided_at, line.decision_reason = uow.principal.accountable_id, clock.now(), reason
    uow.flush()
    emit(uow, CreditLineDecided(line_id=line.id, org_id=line.org_id, outcome=outcome, asked_by=asked_by))
    audit.record(uow, f"credit_line.{outcome}", subject_id=line.id, amount_minor=line.limit_minor, reason=reason)


def _reason(said: str) -> str:
    reason = plain_text(said)[:500]
    if not reason:
        raise Invalid("reason_missing", field="reason")
    return reason


def _currency(said: str) -> str:
    currency = said.strip().upper()
    if currency not in CURRENCIES:
        raise Invalid("validation_failed", field="currency")
    return currency


def _check_limit(minor: int, *, least: int) -> None:
    if not least <= minor <= MOST_MINOR:
        raise Invalid("validation_failed", field="limit")


def find_organization(uow: UnitOfWork, written: str) -> UUID:
    """The organization that a person of the platform means by its legal name or tax id. Raises NotFound `organization_not_found`,
    also where several are called so.
    """
    uow.principal.require(MANAGE)
    name = plain_text(written)
    found = uow.session.scalars(
        select(Organization.id)
        .where((Organization.legal_name == name) | (Organization.tax_id == name), ~Organization.is_platform)
        .limit(2)
    ).all()
    if not name or len(found) != 1:
        raise NotFound("organization_not_found")
    return found[0]
