"""Whether a party's shares, its payouts and its ledger account tell the same story."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select

from billing.ledger.queries import balance_of
from billing.payouts.models import UNPAID, Payout
from billing.shares.models import Share
from billing.statements.models import StatementAdjustment
from kernel.db.uow import UnitOfWork


def difference_minor(uow: UnitOfWork, org_id: UUID, currency: str) -> int:
    """Available by the ledger less available by the rows: released shares minus refunds minus payouts that stayed.

    Zero, unless something is wrong; then no statement of the party closes.
    """
    uow.flush()
    released = (
        select(func.coalesce(func.sum(Share.amount_minor - Share.reversed_minor), 0))
        .where(
            Share.org_id == org_id,
            Share.currency == currency,
            Share.kind != "commission",
            Share.state.in_(("releasable", "in_statement", "paid")),
        )
        .scalar_subquery()
    )
    paid = (
        select(func.coalesce(func.sum(Payout.amount_minor), 0))
        .where(Payout.org_id == org_id, Payout.currency == currency, Payout.state.not_in(UNPAID))
        .scalar_subquery()
    )
    returned = (
        select(func.coalesce(func.sum(StatementAdjustment.amount_minor), 0))
        .where(
            StatementAdjustment.org_id == org_id,
            StatementAdjustment.currency == currency,
            StatementAdjustment.kind == "returned",
        )
        .scalar_subquery()
    )
    # The account's balance is negative: what the platform owes. One statement sees one moment: a refund that ends
    # meanwhile changes all three or none.
    available = balance_of(org_id, "party_available", currency).scalar_subquery()
    return int(uow.session.scalar(select(-available - released + paid - returned)) or 0)
