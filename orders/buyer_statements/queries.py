"""Reads of buyers' statements."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from kernel.signing import TokenSigner
from orders.buyer_statements.close_month import is_genuine
from orders.buyer_statements.models import BuyerStatement


@dataclass(frozen=True, slots=True)
class BuyerStatementRow:
    """A statement. `currencies` has by currency the sections and their `totals`."""

    id: UUID
    number: str
    month: date
    content_sha256: str
    previous_hash: str
    hash: str
    signature: str
    verification_code: str
    created_at: datetime
    currencies: dict[str, Any]


@dataclass(frozen=True, slots=True)
class VerifiedStatement:
    """What anybody who holds a statement may check: whose it is, what it comes to, and that nothing of it was changed."""

    number: str
    month: date
    legal_name: str
    totals: dict[str, dict[str, int]]
    content_sha256: str
    hash: str
    genuine: bool


def list_buyer_statements(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[BuyerStatementRow]:
    """The acting organization's statements, newest first."""
    wanted = select(BuyerStatement).where(BuyerStatement.buyer_org_id == uow.principal.organization())
    rows = uow.session.scalars(newest_first(wanted, BuyerStatement.created_at, BuyerStatement.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page([to_statement_row(row) for row in page.items], page.next_cursor)


def get_buyer_statement(uow: UnitOfWork, statement_id: UUID) -> BuyerStatementRow:
    """One of them. Raises NotFound(`buyer_statement_not_found`)."""
    return to_statement_row(_own(uow, statement_id))


def buyer_statement_content(uow: UnitOfWork, statement_id: UUID) -> tuple[str, str]:
    """The very text that was hashed, and the statement's number. Raises NotFound(`buyer_statement_not_found`)."""
    found = _own(uow, statement_id)
    return found.content, found.number


def verify_statement(uow: UnitOfWork, code: str, signer: TokenSigner) -> VerifiedStatement:
    """The statement behind a printed code, for anybody; as the platform. Raises NotFound(`buyer_statement_not_found`)."""
    found = uow.session.scalar(select(BuyerStatement).where(BuyerStatement.verification_code == code))
    if found is None:
        raise NotFound("buyer_statement_not_found")
    said = json.loads(found.content)
    return VerifiedStatement(
        found.number,
        found.month,
        str(said["organization"]["legal_name"]),
        {name: sections["totals"] for name, sections in said["currencies"].items()},
        found.content_sha256,
        found.hash,
        is_genuine(found, signer),
    )


def _own(uow: UnitOfWork, statement_id: UUID) -> BuyerStatement:
    found = uow.session.get(BuyerStatement, statement_id)
    if found is None or found.buyer_org_id != uow.principal.organization():
        raise NotFound("buyer_statement_not_found")
    return found


def to_statement_row(row: BuyerStatement) -> BuyerStatementRow:
    """A stored statement as lists and pages show it."""
    names = BuyerStatementRow.__dataclass_fields__.keys() - {"currencies"}
    return BuyerStatementRow(
        **{name: getattr(row, name) for name in names}, currencies=json.loads(row.content)["currencies"]
    )
