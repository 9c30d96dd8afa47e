"""One organization agrees to pay for what another orders: proposed by either, accepted by the other, ended by either."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import exists, select

from kernel import clock
from kernel.db.locks import lock_aggregate, lock_row
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.money import CURRENCIES
from kernel.states import state_in
from marketplace.access.counted_limits import Limit, count_within
from marketplace.access.find_organizations import get_findable
from marketplace.groups.rights import lock_paying_right
from marketplace.parties.lookups import get_party
from marketplace.parties.models import Organization
from marketplace.payers.events import PayerAccepted, PayerEnded, PayerLimitsChanged, PayerProposed
from marketplace.payers.models import INVOICE_TO, PAYER, PAYER_AGREEMENT, PayerAgreement

PERMISSION = "billing.manage"
"""Whoever looks after an organization's bills says who pays them, and for whom it pays. Others read nothing of it."""
PROPOSED = Limit(50, timedelta(days=1))
"""Of one organization: enough for all of a group's subsidiaries, too few to write to everybody."""
MOST_MINOR = 10**15


@dataclass(frozen=True, slots=True)
class PayerLimits:
    """In minor units of the agreement's currency, with tax; None: no limit."""

    monthly_limit_minor: int | None = None
    order_limit_minor: int | None = None


@dataclass(frozen=True, slots=True)
class ProposeAgreement:
    """`org_id` is the other side. `by_payer`: the acting organization would pay for it; else the other is asked to pay."""

    org_id: UUID
    by_payer: bool
    currency: str
    invoice_to: str = PAYER
    limits: PayerLimits = PayerLimits()


def propose_agreement(uow: UnitOfWork, command: ProposeAgreement, *, known: bool = False) -> PayerAgreement:
    """Propose that one of the acting organization and another pays for the other.

    `known`: the caller has seen that they know each other, so that the other need not be found by its name. A headquarters
    that proposes to pay for a subsidiary which gave it that right needs no answer: the agreement is active at once.

    Raises: Forbidden `permission_missing` without billing.manage; NotFound `organization_not_found`; Invalid `currency_unknown`,
    `payer_limit_invalid`, `invoice_to_unknown`; Conflict `payer_is_oneself`, `payer_proposed_already`, and as
    `_require_no_chain`; TooMany `payers_proposed_too_often`.

    Emits: PayerProposed, or PayerAccepted. Locks: the group membership, then both organizations, as payers.
    """
    uow.principal.require(PERMISSION)
    own = get_party(uow, uow.principal.organization())
    if command.org_id == own.org_id:
        raise Conflict("payer_is_oneself")
    _check(command)
    membership = lock_paying_right(uow, own.org_id, command.org_id) if command.by_payer else None
    is_known = known or membership is not None
    other_name = _known_name(uow, command.org_id) if is_known else get_findable(uow, command.org_id).display_name
    with as_platform(uow):
        count_within(uow, PROPOSED, "payers_proposed_too_often", "payers_proposed", str(own.org_id))
    sides = ((command.org_id, other_name), (own.org_id, own.display_name))
    orderer, payer = sides if command.by_payer else reversed(sides)
    _require_no_chain(uow, orderer[0], payer[0])
    row = PayerAgreement(
        id=uuid7(),
        org_id=orderer[0],
        payer_org_id=payer[0],
        org_name=orderer[1],
        payer_name=payer[1],
        by_payer=command.by_payer,
        proposed_by=uow.principal.person_id,
        membership_id=membership.id if membership is not None else None,
        invoice_to=command.invoice_to,
        currency=command.currency,
        monthly_limit_minor=command.limits.monthly_limit_minor,
        order_limit_minor=command.limits.order_limit_minor,
        created_at=clock.now(),
        accepted_at=clock.now() if membership is not None else None,
        ended_at=None,
        ended_by_payer=None,
    )
    PAYER_AGREEMENT.begin(uow, row, "proposed" if membership is None else "active", org_ids=row.parties)
    uow.session.add(row)
    uow.flush()
    emit(uow, (PayerProposed if membership is None else PayerAccepted)(**row.fact, by_payer=row.by_payer))
    return row


def accept_agreement(uow: UnitOfWork, agreement_id: UUID, limits: PayerLimits | None = None) -> PayerAgreement:
    """Say yes to the side that proposed it; a payer may set its limits with it. Accepted already, nothing changes.

    Raises: as `lock_agreement`; Conflict `payer_agreement_not_yours` (the side that proposed it), `payer_agreement_over`,
    `payer_there_already`, as `_require_no_chain`; Forbidden `payer_limits_not_yours`; Invalid `payer_limit_invalid`.
    Emits: PayerAccepted. Locks: both organizations, as payers, then the agreement.
    """
    row = lock_agreement(uow, agreement_id)
    is_payer = row.payer_org_id == uow.principal.organization()
    if is_payer is row.by_payer:
        raise Conflict("payer_agreement_not_yours")
    if row.state == "active":
        return row
    _require_standing(row)
    if limits is not None:
        _set_limits(row, limits, is_payer=is_payer)
    _require_no_chain(uow, row.org_id, row.payer_org_id)
    row.accepted_at = clock.now()
    PAYER_AGREEMENT.move(uow, row, "active", org_ids=row.parties)
    uow.flush()
    emit(uow, PayerAccepted(**row.fact, by_payer=is_payer))
    return row


def change_limits(uow: UnitOfWork, agreement_id: UUID, limits: PayerLimits) -> PayerAgreement:
    """Let other limits hold from now on; what was ordered under the old ones stays. The payer's alone.

    Raises: as `lock_agreement`; Forbidden `payer_limits_not_yours`; Conflict `payer_agreement_over`; Invalid
    `payer_limit_invalid`. Emits: PayerLimitsChanged, where they are others. Locks: as `accept_agreement`.
    """
    row = lock_agreement(uow, agreement_id)
    _require_standing(row)
    before = (row.monthly_limit_minor, row.order_limit_minor)
    _set_limits(row, limits, is_payer=row.payer_org_id == uow.principal.organization())
    if before != (row.monthly_limit_minor, row.order_limit_minor):
        uow.flush()
        emit(uow, PayerLimitsChanged(**row.fact, by_payer=True))
    return row


def end_agreement(uow: UnitOfWork, agreement_id: UUID) -> PayerAgreement:
    """End it, say no to it, or take it back, whichever it is for the acting side. Ended already, nothing changes.

    Raises: as `lock_agreement`. Emits: PayerEnded. Locks: as `accept_agreement`.
    """
    row = lock_agreement(uow, agreement_id)
    if row.state != "ended":
        _end(uow, row, by_payer=row.payer_org_id == uow.principal.organization())
    return row


def end_agreements_of(uow: UnitOfWork, membership_id: UUID, *, by_payer: bool) -> None:
    """End what stood on a group's right to pay, which is no more. Emits: PayerEnded. Locks: as `accept_agreement`."""
    standing = select(PayerAgreement).where(
        PayerAgreement.membership_id == membership_id, state_in(PayerAgreement.state, "active")
    )
    for found in uow.session.scalars(standing.order_by(PayerAgreement.id)).all():
        _lock_sides(uow, found.org_id, found.payer_org_id)
        row = lock_row(uow.session, PayerAgreement, found.id)
        if row is not None and row.state == "active":
            _end(uow, row, by_payer=by_payer)


def _end(uow: UnitOfWork, row: PayerAgreement, *, by_payer: bool) -> None:
    was_active = row.state == "active"
    row.ended_at, row.ended_by_payer = clock.now(), by_payer
    PAYER_AGREEMENT.move(uow, row, "ended", org_ids=row.parties)
    uow.flush()
    emit(uow, PayerEnded(**row.fact, by_payer=by_payer, was_active=was_active))


def lock_agreement(uow: UnitOfWork, agreement_id: UUID) -> PayerAgreement:
    """One of the acting organization's, on whichever side.

    Raises: Forbidden `permission_missing` without billing.manage; NotFound `payer_agreement_not_found`.
    Locks: both organizations, as payers, then the agreement.
    """
    uow.principal.require(PERMISSION)
    found = uow.session.get(PayerAgreement, agreement_id)
    if found is None or uow.principal.organization() not in found.parties:
        raise NotFound("payer_agreement_not_found")
    _lock_sides(uow, found.org_id, found.payer_org_id)
    row = lock_row(uow.session, PayerAgreement, agreement_id)
    assert row is not None  # noqa: S101 - agreements are never deleted
    return row


def _check(command: ProposeAgreement) -> None:
    if command.currency not in CURRENCIES:
        raise Invalid("currency_unknown", field="currency")
    if command.invoice_to not in INVOICE_TO:
        raise Invalid("invoice_to_unknown", field="invoice_to")
    _check_limits(command.limits)


def _check_limits(limits: PayerLimits) -> None:
    for field in ("monthly_limit_minor", "order_limit_minor"):
        minor = getattr(limits, field)
        if minor is not None and not 0 <= minor <= MOST_MINOR:
            raise Invalid("payer_limit_invalid", field=field.removesuffix("_minor"))


def _set_limits(row: PayerAgreement, limits: PayerLimits, *, is_payer: bool) -> None:
    if not is_payer:
        raise Forbidden("payer_limits_not_yours")
    _check_limits(limits)
    row.monthly_limit_minor, row.order_limit_minor = limits.monthly_limit_minor, limits.order_limit_minor


def _require_standing(row: PayerAgreement) -> None:
    if row.state == "ended":
        raise Conflict("payer_agreement_over")


def _lock_sides(uow: UnitOfWork, *org_ids: UUID) -> None:
    """Whatever makes one of them pay, or be paid for, waits for this. By ascending id: none waits for another in a circle."""
    for org_id in sorted(org_ids):
        lock_aggregate(uow, org_id)


def _require_no_chain(uow: UnitOfWork, org_id: UUID, payer_org_id: UUID) -> None:
    """Who is paid for pays for nobody: else a bill would have two payers.

    Raises: Conflict `payer_there_already`, `payer_is_paid_for` (the payer), `payer_pays_for_others` (who would be paid for).
    Locks: both organizations, as payers.
    """
    _lock_sides(uow, org_id, payer_org_id)
    with as_platform(uow):
        active = state_in(PayerAgreement.state, "active")
        if uow.session.scalar(select(exists().where(PayerAgreement.org_id == org_id, active))):
            raise Conflict("payer_there_already")
        if uow.session.scalar(select(exists().where(PayerAgreement.org_id == payer_org_id, active))):
            raise Conflict("payer_is_paid_for")
        if uow.session.scalar(select(exists().where(PayerAgreement.payer_org_id == org_id, active))):
            raise Conflict("payer_pays_for_others")


def _known_name(uow: UnitOfWork, org_id: UUID) -> str:
    with as_platform(uow):
        name = uow.session.scalar(select(Organization.display_name).where(Organization.id == org_id))
    if name is None:
        raise NotFound("organization_not_found")
    return name
