"""The platform's invoice to a seller for the commission of its statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from billing.bank.sandbox_bank import was_played
from billing.charges.models import Charge
from billing.documents.parties import DocumentParty, postal_fields
from billing.invoices.issue_invoice import IssueInvoice, LineToInvoice, issue_invoice
from billing.payments.models import Payment
from billing.shares.models import Share
from billing.statements.models import Statement, StatementLine
from billing.tax.decision import TaxParty, reason_in_words, tax_for
from billing.tax.line_amounts import line_amounts
from kernel.db.locks import lock_rows
from kernel.db.uow import UnitOfWork
from marketplace.parties.lookups import find_default_billing_profile, get_party
from marketplace.parties.models import PLATFORM_ORG_ID

_NAME: Final = "平台技术服务费 Platform service fee"


@dataclass(frozen=True, slots=True)
class _Side:
    document: DocumentParty
    tax: TaxParty
    time_zone: str


def invoice_commission(uow: UnitOfWork, statement: Statement) -> UUID | None:
    """Invoice the commission of this and all earlier statements of the party that has not been invoiced.

    None while refunds have taken back as much as was earned: the next statement's invoice nets it. The published
    commission includes its tax, so the amount withheld is the invoice's gross.

    Locks: the party's statements by id.
    Idempotent by: the statement.
    """
    waiting = select(Statement.id).where(
        Statement.org_id == statement.org_id,
        Statement.currency == statement.currency,
        Statement.commission_invoice_id.is_(None),
        Statement.commission_minor != 0,
    )
    statements = lock_rows(uow.session, Statement, uow.session.scalars(waiting).all())
    gross_minor = -sum(row.commission_minor for row in statements)
    if gross_minor <= 0:
        return None
    platform, seller = _side(uow, PLATFORM_ORG_ID), _side(uow, statement.org_id)
    on = statement.closed_at.astimezone(ZoneInfo(platform.time_zone)).date()
    decision = tax_for(platform.tax, seller.tax, "service", on, included=True)
    amounts = line_amounts(gross_minor, 0, decision)
    zone = ZoneInfo(seller.time_zone)
    # A reader takes the last day of a period for part of it.
    last_at = statement.ends_at - timedelta(microseconds=1)
    line = LineToInvoice(
        reference=statement.id,
        name=_NAME,
        description=", ".join(row.number for row in statements),
        quantity=Decimal(1),
        net_minor=amounts.net_minor,
        tax_minor=amounts.tax_minor,
        gross_minor=amounts.gross_minor,
        tax_rate_ppm=decision.rate_ppm,
        tax_category=decision.category,
        tax_reason=reason_in_words(decision.reason_code),
    )
    invoice_id = issue_invoice(
        uow,
        IssueInvoice(
            reference=statement.id,
            buyer_org_id=statement.org_id,
            seller_org_id=PLATFORM_ORG_ID,
            buyer=seller.document,
            seller=platform.document,
            currency=statement.currency,
            lines=[line],
            order_number=statement.number,
            paid_minor=gross_minor,
            remarks=f"结算单 Statement {statement.number}: "
            f"{statement.starts_at.astimezone(zone).date()} – {last_at.astimezone(zone).date()}",
            kind="commission_invoice",
            sandbox=_was_played(uow, [row.id for row in statements]),
        ),
    )
    for row in statements:
        row.commission_invoice_id = invoice_id
    uow.flush()
    return invoice_id


def _was_played(uow: UnitOfWork, statement_ids: Sequence[UUID]) -> bool:
    """Whether anything of what is invoiced was paid with the sandbox's money."""
    played = (
        select(StatementLine.id)
        .join(Share, Share.id == StatementLine.share_id)
        .join(Charge, Charge.id == Share.charge_id)
        .join(Payment, Payment.id == Charge.payment_id)
        .where(
            StatementLine.statement_id.in_(statement_ids), was_played(Payment.gateway, Payment.payer_org_id, Payment.id)
        )
    )
    return uow.session.scalar(select(played.exists())) is True


def _side(uow: UnitOfWork, org_id: UUID) -> _Side:
    who = get_party(uow, org_id)
    title = find_default_billing_profile(uow, org_id)
    document = DocumentParty(
        legal_name=title.legal_name if title else who.legal_name,
        country=title.country if title else who.country,
        tax_id=(title.tax_id if title else who.tax_id) or "",
        bank_name=(title.bank_name if title else None) or "",
        bank_account=(title.bank_account_masked if title else None) or "",
        email=title.email if title else "",
        **postal_fields(title),
    )
    return _Side(document, TaxParty(document.country, document.tax_id, registered_in=who.country), who.time_zone)
