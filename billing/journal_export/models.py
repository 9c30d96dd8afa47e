"""Table of what accounting programs call the kinds of accounts."""

from __future__ import annotations

from typing import Final, Literal

from sqlalchemy import CheckConstraint, Text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, Instant

ExportFormat = Literal["voucher", "datev", "iif", "xero"]
FORMATS: Final[tuple[ExportFormat, ...]] = ("voucher", "datev", "iif", "xero")
"""Those that need account numbers; `csv` has our own words."""


class AccountCode(Base):
    """The number and name of one kind of account in one accounting program. Changed by whoever keeps the books there."""

    __tablename__ = "account_code"
    __table_args__ = (
        CheckConstraint("format IN ('voucher', 'datev', 'iif', 'xero')", name="format"),
        CheckConstraint("code <> '' AND name <> ''", name="named"),
        {"schema": "billing"},
    )
    format: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    code: Mapped[str]
    name: Mapped[str]
    changed_at: Mapped[Instant | None]
    changed_by: Mapped[str | None]
