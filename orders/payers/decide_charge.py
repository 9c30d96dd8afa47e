"""Somebody of the payer pays what it is asked to pay of another organization's purchase, or does not."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from billing.payments.queries import latest_payment
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.text import plain_text
from marketplace.payers.agree import PERMISSION, lock_agreement
from orders.checkout.locking import find_locked_purchase
from orders.checkout.models import Purchase
from orders.checkout.payer_models import PAYER_CHARGE, PayerCharge, PayerMethod
from orders.order.events import PayerChargeApproved, PayerChargeDeclined


@dataclass(frozen=True, slots=True)
class PayerWay:
    """A method of the payer: its gateway, and what that knows it by; never a card number."""

    gateway: str
    method_token: str


def approve_charge(uow: UnitOfWork, charge_id: UUID, way: PayerWay) -> PayerCharge:
    """Let a method of the acting organization be charged for it, once this is committed. Approved already, nothing changes,
    unless the method that was charged then has failed for certain.

    Raises: Forbidden `permission_missing` without billing.manage; NotFound `payer_charge_not_found`; Conflict
    `payer_charge_over`; Invalid `payment_method_missing`. Emits: PayerChargeApproved. Locks: the purchase, the charge.
    """
    charge, purchase = _lock(uow, charge_id)
    if charge.state == "approved":
        if not _has_failed(uow, charge.purchase_id):
            return charge
        PAYER_CHARGE.move(uow, charge, "asked", org_ids=charge.parties, reason="payment_failed")
    if charge.state != "asked" or purchase.state != "pending_payment":
        raise Conflict("payer_charge_over")
    if not way.method_token or not way.gateway:
        raise Invalid("payment_method_missing", field="payment_method")
    _decide(uow, charge, "approved")
    emit(
        uow,
        PayerChargeApproved(
            charge_id=charge.id,
            purchase_id=charge.purchase_id,
            buyer_org_id=charge.org_id,
            payer_org_id=charge.payer_org_id,
            gateway=way.gateway,
            method_token=way.method_token,
        ),
    )
    return charge


def decline_charge(uow: UnitOfWork, charge_id: UUID, reason: str) -> PayerCharge:
    """Do not pay it: its month is free of it, and its buyer pays it by itself or calls it off. Declined already, nothing changes.

    Raises: as `approve_charge`; Invalid `reason_required`: its buyer reads it. Emits: PayerChargeDeclined.
    """
    charge, _ = _lock(uow, charge_id)
    if charge.state == "declined":
        return charge
    if charge.state != "asked":
        raise Conflict("payer_charge_over")
    said = plain_text(reason, multiline=True)
    if not said:
        raise Invalid("reason_required", field="reason")
    charge.decline_reason = said
    _decide(uow, charge, "declined")
    emit(
        uow,
        PayerChargeDeclined(
            charge_id=charge.id,
            purchase_id=charge.purchase_id,
            buyer_org_id=charge.org_id,
            payer_org_id=charge.payer_org_id,
        ),
    )
    return charge


def set_standing_method(uow: UnitOfWork, agreement_id: UUID, way: PayerWay | None) -> PayerMethod | None:
    """By what purchases within the limit of a purchase are paid without anybody being asked; None: somebody is asked for each.

    Raises: as `lock_agreement`; Conflict `payer_limits_not_yours`; `payer_agreement_over`. Locks: as `lock_agreement`.
    """
    agreement = lock_agreement(uow, agreement_id)
    if agreement.payer_org_id != uow.principal.organization():
        raise Conflict("payer_limits_not_yours")
    if agreement.state == "ended":
        raise Conflict("payer_agreement_over")
    row = uow.session.scalars(select(PayerMethod).where(PayerMethod.agreement_id == agreement_id)).first()
    if way is None:
        if row is not None:
            uow.session.delete(row)
            uow.flush()
        return None
    if not way.method_token or not way.gateway:
        raise Invalid("payment_method_missing", field="payment_method")
    if row is None:
        row = PayerMethod(
            id=uuid7(),
            payer_org_id=agreement.payer_org_id,
            agreement_id=agreement_id,
            gateway=way.gateway,
            method_token=way.method_token,
            created_at=clock.now(),
        )
        uow.session.add(row)
    row.gateway, row.method_token = way.gateway, way.method_token
    uow.flush()
    return row


def _lock(uow: UnitOfWork, charge_id: UUID) -> tuple[PayerCharge, Purchase]:
    """A charge of the acting payer, with its purchase, which the payer alone could not lock."""
    uow.principal.require(PERMISSION)
    found = uow.session.get(PayerCharge, charge_id)
    if found is None or found.payer_org_id != uow.principal.organization():
        raise NotFound("payer_charge_not_found")
    with as_platform(uow):
        purchase = find_locked_purchase(uow, found.purchase_id)
    charge = lock_row(uow.session, PayerCharge, charge_id)
    assert purchase is not None and charge is not None  # noqa: PT018, S101 - neither is ever deleted
    return charge, purchase


def _has_failed(uow: UnitOfWork, purchase_id: UUID) -> bool:
    with as_platform(uow):
        before = latest_payment(uow, purchase_id)
    return before is not None and before.state == "failed"


def _decide(uow: UnitOfWork, charge: PayerCharge, state: str) -> None:
    charge.decided_by, charge.decided_at = uow.principal.accountable_id, clock.now()
    PAYER_CHARGE.move(uow, charge, state, org_ids=charge.parties)
    uow.flush()
