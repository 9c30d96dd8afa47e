"""A payment is disputed while a payout that contains its shares is on its way: an operator is told."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select

from billing.disputes.models import Dispute, DisputePart
from billing.incidents.open_incident import OpenIncident, open_incident
from billing.payouts.models import UNRESOLVED, Payout
from billing.payouts.pay_out import PARTY_LOCK
from billing.shares.models import Share
from billing.statements.models import Statement
from kernel.db.locks import advisory_xact_lock
from kernel.db.uow import UnitOfWork
from kernel.money import Money


def flag_disputed_payouts(uow: UnitOfWork, dispute_id: UUID) -> None:
    """Open an incident for every payout under way that contains shares of what is disputed. What is not under way yet holds
    them back by itself (`pay_out`).

    Locks: the settlement of the parties, so that none is being scheduled unseen. Idempotent by: the payout and the dispute.
    """
    dispute = uow.session.get_one(Dispute, dispute_id)
    about = (
        select(DisputePart.id)
        .where(
            DisputePart.dispute_id == dispute_id,
            DisputePart.reference == Share.group_reference,
            DisputePart.line_id.is_(None) | (DisputePart.line_id == Share.reference),
        )
        .exists()
    )
    settled = about & (Share.kind != "commission") & (Share.state == "in_statement")
    for org_id in sorted(set(uow.session.scalars(select(Share.org_id).where(settled)))):
        advisory_xact_lock(uow.session, PARTY_LOCK, org_id)
    under_way = (
        select(Payout.id, Payout.gateway, Payout.currency, func.sum(Share.amount_minor - Share.reversed_minor))
        .join(Statement, Statement.id == Payout.statement_id)
        .join(Share, Share.statement_id == Statement.id)
        .where(settled, Payout.state.in_(UNRESOLVED))
        .group_by(Payout.id)
        .order_by(Payout.id)
    )
    for payout_id, gateway, currency, minor in uow.session.execute(under_way).all():
        if minor > 0:
            amount = Money(int(minor), currency)
            reference = dispute.gateway_reference
            open_incident(
                uow, OpenIncident("payout_disputed", payout_id, gateway, reference, amount, f"dispute_{dispute.reason}")
            )
