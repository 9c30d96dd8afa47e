"""The operator names the lines that a dispute is about, of what the payment paid."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select

from billing.charges.models import Charge
from billing.disputes.assign_dispute import AssignDispute, DisputedLine, assign_dispute, lock_dispute
from billing.disputes.models import Dispute
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound


def assign_lines(uow: UnitOfWork, dispute_id: UUID, lines: Mapping[UUID, int]) -> Dispute:
    """Let a dispute hold these lines alone, each with its part of the amount in minor units.

    Raises: as `billing.disputes.assign_dispute`; NotFound `charge_not_found`: no paid line of this payment. Locks: as that.
    """
    uow.principal.require("operator.payouts")
    dispute = lock_dispute(uow, dispute_id)
    paid = (
        select(Charge).where(Charge.payment_id == dispute.payment_id, Charge.reference.in_(lines)).order_by(Charge.id)
    )
    charges = uow.session.scalars(paid).all()
    if len(charges) != len(lines):
        raise NotFound("charge_not_found")
    named = [
        DisputedLine(one.group_reference, one.reference, one.seller_org_id, one.gross_minor, lines[one.reference])
        for one in charges
    ]
    return assign_dispute(uow, AssignDispute(dispute.id, named))
