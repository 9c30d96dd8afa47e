"""Which shares a statement's payout pays, and which of them it has to leave out because a bank is deciding about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import func, literal, select

from billing.charges.models import Charge
from billing.disputes.queries import in_dispute
from billing.payments.models import Payment
from billing.payouts.models import Payout
from billing.shares.models import Share
from billing.statements.models import Statement, StatementAdjustment
from kernel.db.uow import UnitOfWork

EVER = literal(datetime.min.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class HeldShare:
    """A share in dispute, and what is left of it in minor units."""

    share_id: UUID
    left_minor: int


def shares_paid_by(uow: UnitOfWork, statement: Statement, state: str, *, payout_id: UUID | None = None) -> list[UUID]:
    """Shares in `state` of a statement, of those before it whose negative net it has carried, and of what it takes up of
    earlier payouts. Left out is what another statement takes up, and what `payout_id` held back.
    """
    earlier = (
        (Statement.org_id == statement.org_id)
        & (Statement.currency == statement.currency)
        & (Statement.ends_at < statement.ends_at)
    )
    last_to_pay = select(func.max(Statement.ends_at)).where(earlier, Statement.state != "carried").scalar_subquery()
    carried = earlier & (Statement.state == "carried") & (Statement.ends_at > func.coalesce(last_to_pay, EVER))
    settled = list(uow.session.scalars(select(Statement.id).where((Statement.id == statement.id) | carried)))
    taken_up = select(StatementAdjustment.share_id).where(StatementAdjustment.statement_id.in_(settled))
    elsewhere = select(StatementAdjustment.share_id).where(
        StatementAdjustment.share_id.is_not(None),
        StatementAdjustment.statement_id.not_in(settled) | (StatementAdjustment.payout_id == payout_id),
    )
    shares = select(Share.id).where(
        Share.statement_id.in_(settled) & Share.id.not_in(elsewhere) | Share.id.in_(taken_up),
        Share.state == state,
    )
    return list(uow.session.scalars(shares))


def sole_sale(uow: UnitOfWork, statement: Statement, payout: Payout) -> tuple[UUID | None, UUID | None]:
    """The order of which all is that a payout pays, and the order's payment where it is one by the payout's own gateway."""
    sold = uow.session.execute(
        select(Charge.group_reference, Charge.payment_id, Payment.gateway)
        .join(Share, Share.charge_id == Charge.id)
        .join(Payment, Payment.id == Charge.payment_id)
        .where(Share.id.in_(shares_paid_by(uow, statement, "in_statement", payout_id=payout.id)))
        .distinct()
    ).all()
    if len({row.group_reference for row in sold}) != 1:
        return None, None
    is_one = len(sold) == 1 and sold[0].gateway == payout.gateway
    return sold[0].group_reference, sold[0].payment_id if is_one else None


def disputed_shares(uow: UnitOfWork, statement: Statement, *, payout_id: UUID | None = None) -> list[HeldShare]:
    """What of an unpaid statement a bank is deciding about, beside what `payout_id` holds back."""
    rows = uow.session.execute(
        select(Share.id, Share.amount_minor - Share.reversed_minor).where(
            Share.id.in_(shares_paid_by(uow, statement, "in_statement", payout_id=payout_id)),
            Share.kind != "commission",
            in_dispute(Share.group_reference, Share.reference),
            Share.amount_minor > Share.reversed_minor,
        )
    )
    return [HeldShare(row[0], row[1]) for row in rows]


def taken_up_minor(uow: UnitOfWork, statement_id: UUID) -> int:
    """What later statements have taken up of this one already."""
    taken = (
        select(func.coalesce(func.sum(StatementAdjustment.amount_minor), 0))
        .join(Payout, Payout.id == StatementAdjustment.payout_id)
        .where(Payout.statement_id == statement_id, StatementAdjustment.statement_id.is_not(None))
    )
    return int(uow.session.scalar(taken) or 0)
