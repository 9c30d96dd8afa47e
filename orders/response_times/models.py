"""How soon each seller answers, as it was counted."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, Instant


class SellerResponseTime(Base):
    """Of a seller's questions in the 30 days before `counted_until`. A rollup: `market verify` counts again.

    `median_s`: seconds till the first answer, of those answered. Buyers are shown `marketplace.organization.response_time`, and
    nothing of few questions.
    """

    __tablename__ = "seller_response_time"
    __table_args__ = (
        CheckConstraint("in_time BETWEEN 0 AND counted", name="in_time"),
        CheckConstraint("median_s >= 0", name="median"),
        CheckConstraint("in_time = 0 OR median_s IS NOT NULL", name="timed"),
        {"schema": "orders"},
    )
    seller_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"), primary_key=True)
    counted: Mapped[int] = mapped_column(BigInteger)
    in_time: Mapped[int] = mapped_column(BigInteger)
    median_s: Mapped[int | None] = mapped_column(BigInteger)
    counted_until: Mapped[Instant]
