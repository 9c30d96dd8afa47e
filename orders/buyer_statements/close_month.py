"""Close a buyer's month: its statement is written once, chained to the one before, and signed."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid
from kernel.ids import uuid7
from kernel.signing import BadToken, TokenSigner
from marketplace.parties.lookups import get_party
from marketplace.parties.models import Organization
from orders.buyer_statements.content import VERSION, month_bounds, read_month, totals
from orders.buyer_statements.models import BuyerStatement

PURPOSE: Final = "buyer-statement"
GENESIS: Final = "0" * 64
_NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)


def close_buyer_month(uow: UnitOfWork, month: date, signer: TokenSigner) -> BuyerStatement:
    """Write down the acting organization's statement of a month that is over. What happens later is in later ones.

    Raises:
        Invalid: `month_not_over`.
        Conflict: `buyer_statement_later`, a later month is closed already and names what was before it;
            `buyer_statement_empty`, nothing happened in the month.

    Locks: the organization.
    Idempotent by: the month.
    """
    return close_month_of(uow, uow.principal.organization(), month, signer)


def close_month_of(uow: UnitOfWork, org_id: UUID, month: date, signer: TokenSigner) -> BuyerStatement:
    """As `close_buyer_month`, of any organization: for the sweep that closes what is over."""
    lock_row(uow.session, Organization, org_id)
    month = month.replace(day=1)
    own = get_party(uow, org_id)
    if month_bounds(month, own.time_zone)[1] > clock.now():
        raise Invalid("month_not_over", field="month")
    last = uow.session.scalar(
        select(BuyerStatement)
        .where(BuyerStatement.buyer_org_id == org_id, BuyerStatement.month >= month)
        .order_by(BuyerStatement.month)
        .limit(1)
    )
    if last is not None and last.month == month:
        return last
    if last is not None:
        raise Conflict("buyer_statement_later")
    found = read_month(uow, org_id, month, own.time_zone)
    if not found:
        raise Conflict("buyer_statement_empty")
    statement_id = uuid7()
    content = canonical(
        {
            "version": VERSION,
            "organization": {"id": str(org_id), "legal_name": own.legal_name, "tax_id": own.tax_id or ""},
            "month": f"{month:%Y-%m}",
            "time_zone": own.time_zone,
            "currencies": {name: sections | {"totals": totals(sections)} for name, sections in found.items()},
        }
    )
    statement = _row(uow, org_id, statement_id, month, content, signer)
    uow.session.add(statement)
    uow.flush()
    audit.record(uow, "buyer_statement.closed", subject_id=statement_id)
    return statement


def canonical(content: Mapping[str, Any]) -> str:
    """One text for one content: the keys in order, no spaces."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def chained(previous: str, content_sha256: str) -> str:
    """The hash of a statement: over the one before it, and its own content's."""
    return hashlib.sha256(f"{previous}{content_sha256}".encode()).hexdigest()


def signed_facts(statement: BuyerStatement) -> dict[str, str]:
    """What the signature is over."""
    return {"number": statement.number, "month": f"{statement.month:%Y-%m}", "hash": statement.hash}


def is_genuine(statement: BuyerStatement, signer: TokenSigner) -> bool:
    """Whether its content is what was hashed, its hash what was signed, and the signature ours."""
    digest = hashlib.sha256(statement.content.encode()).hexdigest()
    if digest != statement.content_sha256 or chained(statement.previous_hash, digest) != statement.hash:
        return False
    try:
        return signer.open_token(PURPOSE, statement.signature) == signed_facts(statement)
    except BadToken:
        return False


def _row(
    uow: UnitOfWork, org_id: UUID, statement_id: UUID, month: date, content: str, signer: TokenSigner
) -> BuyerStatement:
    before = uow.session.scalar(
        select(BuyerStatement.hash)
        .where(BuyerStatement.buyer_org_id == org_id)
        .order_by(BuyerStatement.month.desc())
        .limit(1)
    )
    previous, digest = before or GENESIS, hashlib.sha256(content.encode()).hexdigest()
    statement = BuyerStatement(
        id=statement_id,
        buyer_org_id=org_id,
        month=month,
        number=f"BS-{month:%Y%m}-{statement_id.hex[-10:].upper()}",
        content=content,
        content_sha256=digest,
        previous_hash=previous,
        hash=chained(previous, digest),
        verification_code=secrets.token_urlsafe(16),
        closed_by=uow.principal.person_id,
        created_at=clock.now(),
    )
    statement.signature = signer.sign_token(PURPOSE, signed_facts(statement), _NEVER)
    return statement
