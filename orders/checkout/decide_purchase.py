"""The word of whoever decides a step of a purchase that waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import select

from billing.gateways.call import Submission
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Gone, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.text import plain_text
from orders.amendments.amend import void_amendment
from orders.approval_rules.deputies import stands_for
from orders.approval_rules.find_rule import find_rules
from orders.approval_rules.steps import ANY_APPROVER, Candidate, WaitingStep, decider_of, steps_from
from orders.checkout.approval_reasons import APPROVAL_WAITS
from orders.checkout.locking import find_locked_purchase
from orders.checkout.models import PURCHASE, Approval, Purchase
from orders.checkout.payer_charges import release_charge
from orders.checkout.request_payment import payment_waits, request_payment, require_payable
from orders.coupons.take_coupons import give_back_coupons
from orders.offers.reopen_offer import reopen_offer
from orders.order.events import ApprovalRequested, PurchaseApproved, PurchaseRejected
from orders.order.locking import lock_orders
from orders.order.models import ORDER
from orders.trials.take_trial import release_trials


@dataclass(frozen=True, slots=True)
class DecidePurchase:
    """`reason` is required for a rejection: the requester reads it."""

    purchase_id: UUID
    decision: Literal["approved", "rejected"]
    reason: str | None = None
    pay_at_once: bool = False
    """Whether whoever commits an approval runs its submission."""
    step: int | None = None
    """The step that is meant, counted from 1: another one is left alone. None means the present one."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A decided purchase; `submission` calls the gateway for its payment, the caller's to run where it is leased."""

    purchase: Purchase
    submission: Submission | None = None


def decide_purchase(uow: UnitOfWork, command: DecidePurchase) -> Decided:
    """Take the present step of a purchase of the acting person's organization: the last one that approves starts the payment,
    one that rejects ends the purchase.

    The steps are those of when it was placed; who may take one, and in whose place, is as of now.

    Raises: NotFound, Conflict `purchase_not_pending`, `step_decided`, Gone `approval_expired`, those of `decider_of`,
    Invalid `reason_required`; for an approval as `require_payable`.
    Emits: ApprovalRequested for a next step, PurchaseApproved or PurchaseRejected. Locks: purchase, then as `stands_for`,
    then its orders, then what they change.
    """
    purchase = find_locked_purchase(uow, command.purchase_id)
    if purchase is None or purchase.buyer_org_id != uow.principal.organization():
        raise NotFound("not_found")
    if purchase.state != "pending_approval":
        raise Conflict("purchase_not_pending", state=purchase.state)
    if purchase.deadline_at is not None and purchase.deadline_at <= clock.now():
        raise Gone("approval_expired")
    approval, is_last = _take_step(uow, purchase, command)
    if command.decision == "approved":
        require_payable(uow, purchase)
    uow.add(approval)
    if command.decision == "rejected":
        close_unpaid(uow, purchase, "rejected", reason=approval.reason)
        emit(uow, PurchaseRejected(purchase_id=purchase.id, buyer_org_id=purchase.buyer_org_id))
        return Decided(purchase)
    if not is_last:
        purchase.deadline_at = clock.now() + APPROVAL_WAITS
        for order in lock_orders(uow, purchase.id):
            order.deadline_at = purchase.deadline_at
        emit(
            uow,
            ApprovalRequested(purchase_id=purchase.id, buyer_org_id=purchase.buyer_org_id, step=approval.step + 1),
        )
        return Decided(purchase)
    emit(uow, PurchaseApproved(purchase_id=purchase.id, buyer_org_id=purchase.buyer_org_id))
    purchase.deadline_at = clock.now() + payment_waits(uow, purchase.gateway, purchase.currency)
    PURCHASE.move(uow, purchase, "pending_payment", org_ids=[purchase.buyer_org_id])
    orders = lock_orders(uow, purchase.id)
    for order in orders:
        ORDER.move(uow, order, "pending_payment", org_ids=order.parties)
        order.deadline_at = purchase.deadline_at
    # Whoever ordered it is not there any more, and may have to be asked to pay.
    submission = request_payment(uow, purchase, orders, leased=command.pay_at_once, payer_absent=True)
    return Decided(purchase, submission)


def _take_step(uow: UnitOfWork, purchase: Purchase, command: DecidePurchase) -> tuple[Approval, bool]:
    """The decision, not written yet, and whether its step is the last one."""
    actor = Candidate(uow.principal.person(), uow.principal.permissions)
    before = uow.session.scalars(select(Approval).where(Approval.purchase_id == purchase.id)).all()
    steps, number = steps_from(purchase.approval_steps) or (ANY_APPROVER,), len(before) + 1
    if command.step is not None and command.step != number:
        raise Conflict("step_decided", step=command.step)
    general = find_rules(uow, purchase.currency).general
    asked = WaitingStep(
        steps[number - 1],
        purchase.requested_by,
        frozenset(one for row in before for one in (row.decided_by, row.decided_for) if one is not None),
        general is not None and general.self_approval,
    )
    right = decider_of(asked, actor, stands_for(uow, binding=True))
    reason = plain_text(command.reason or "", multiline=True) or None
    if command.decision == "rejected" and reason is None:
        raise Invalid("reason_required", field="reason")
    approval = Approval(
        id=uuid7(),
        buyer_org_id=purchase.buyer_org_id,
        purchase_id=purchase.id,
        step=number,
        decision=command.decision,
        decided_by=actor.person_id,
        decided_for=None if right is actor else right.person_id,
        reason=reason,
    )
    return approval, number == len(steps)


def close_unpaid(uow: UnitOfWork, purchase: Purchase, state: str, *, reason: str | None) -> None:
    """End a purchase that was never paid, and its orders with it; the offer by which it was placed is open again, what it
    was to try may be tried again, and the coupons that it took are given back.
    """
    PURCHASE.move(uow, purchase, state, org_ids=[purchase.buyer_org_id], reason=reason)
    purchase.deadline_at = None
    release_charge(uow, purchase, state)
    orders = lock_orders(uow, purchase.id)
    release_trials(uow, [order.id for order in orders])
    for order in orders:
        ORDER.move(uow, order, state, org_ids=order.parties, reason=reason)
        order.deadline_at = None
        if order.subscription_id is not None:
            void_amendment(uow, order, reason)
        if order.offer_id is not None:
            reopen_offer(uow, order.lead_id, order.offer_id)
    give_back_coupons(uow, [order.id for order in orders])
