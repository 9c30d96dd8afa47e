"""What stands on receipts, pro-forma invoices and statements of months. The acting buyer's own only."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from billing.bank.sandbox_bank import is_played
from billing.documents.buyer_statement import (
    ROWS_MOST,
    BuyerStatementDocument,
    BuyerStatementLine,
    BuyerStatementSection,
)
from billing.documents.model import Language
from billing.documents.parties import DocumentParty, Period, postal_fields
from billing.documents.pro_forma import ProFormaDocument, ProFormaLine
from billing.documents.receipt import ReceiptDocument, ReceiptLine
from billing.gateways.sandbox import NAME as SANDBOX
from billing.payments.models import Payment, PaymentAllocation
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from marketplace.catalog.selling_model import RESELLER
from marketplace.parties.lookups import get_billing_profile, get_party
from marketplace.parties.models import PLATFORM_ORG_ID
from orders.buyer_statements.content import SECTIONS, month_bounds
from orders.buyer_statements.queries import buyer_statement_content, get_buyer_statement
from orders.checkout.models import Purchase
from orders.checkout.priced_line import InvoiceParty, PricedLine
from orders.checkout.quote_models import Quote
from orders.invoicing.invoice_order import invoiced_party
from orders.order.models import Order, OrderLine
from orders.order.untaxed import UntaxedPrice, untaxed_of

PaperDocument = ReceiptDocument | ProFormaDocument | BuyerStatementDocument
_GATEWAYS = {
    "sandbox": ("沙箱账户", "Sandbox account"),
    "stripe": ("Stripe 在线支付", "Stripe"),
    "bank_transfer": ("对公转账", "Bank transfer"),
}


def receipt_of(uow: UnitOfWork, payment_id: UUID, language: Language) -> ReceiptDocument:
    """The receipt of a payment whose money is here.

    Raises:
        NotFound: `payment_not_found`. Conflict: `payment_not_received`, it is not here (yet, or any more).
    """
    payment = uow.session.get(Payment, payment_id)
    if payment is None or payment.payer_org_id != uow.principal.organization():
        raise NotFound("payment_not_found")
    if payment.state != "succeeded" or payment.captured_at is None:
        raise Conflict("payment_not_received", state=payment.state)
    rows = uow.session.execute(
        select(Order.number, Order.seller_name, PaymentAllocation.amount_minor, Order.selling_model)
        .join(Order, Order.id == PaymentAllocation.reference)
        .where(PaymentAllocation.payment_id == payment.id)
        .order_by(Order.number)
    )
    purchase, platform = uow.session.get_one(Purchase, payment.reference), _platform(uow)
    zone = ZoneInfo(get_party(uow, payment.payer_org_id).time_zone)
    received_on = payment.captured_at.astimezone(zone).date()
    chinese, english = _GATEWAYS.get(payment.gateway, (payment.gateway, payment.gateway))
    return ReceiptDocument(
        number=f"RC-{received_on:%Y%m%d}-{payment.id.hex[-10:].upper()}",
        issued_on=received_on,
        currency=payment.currency.strip(),
        language=language,
        seller=platform,
        payer=invoiced_party(purchase),
        lines=tuple(
            ReceiptLine(
                order_number=row[0],
                # Of what the platform sells, it is the seller.
                seller_name=platform.legal_name if row[3] == RESELLER else row[1],
                amount_minor=row[2],
            )
            for row in rows
        ),
        amount_minor=payment.amount_minor,
        credit_minor=payment.credit_minor,
        paid_by={Language.ZH: chinese, Language.EN: english}.get(language, f"{chinese} {english}"),
        payment_ref=payment.gateway_reference or str(payment.id),
        sandbox=is_played(uow, payment),
    )


def quote_pro_forma(uow: UnitOfWork, quote_id: UUID, language: Language, *, sandbox: bool) -> ProFormaDocument:
    """What a quote comes to, as long as it stands.

    Raises:
        NotFound. Conflict: `quote_expired`; `quote_used`; `nothing_to_pay_for`.
    """
    quote = uow.session.get(Quote, quote_id)
    if quote is None or quote.buyer_org_id != uow.principal.organization():
        raise NotFound("not_found")
    if quote.used_at is not None:
        raise Conflict("quote_used")
    if quote.expires_at <= clock.now():
        raise Conflict("quote_expired")
    if not quote.gross_minor:
        raise Conflict("nothing_to_pay_for")
    own = get_party(uow, quote.buyer_org_id)
    zone = ZoneInfo(own.time_zone)
    issued_on = quote.created_at.astimezone(zone).date()
    lines = tuple(_quoted(PricedLine.model_validate(line), language) for line in quote.lines)
    return ProFormaDocument(
        number=f"PF-{issued_on:%Y%m%d}-{quote.id.hex[-10:].upper()}",
        issued_on=issued_on,
        valid_on=(quote.expires_at - timedelta(seconds=1)).astimezone(zone).date(),
        currency=quote.currency.strip(),
        language=language,
        seller=_platform(uow),
        buyer=_quoted_title(uow, InvoiceParty.model_validate(quote.invoice_party)),
        lines=lines,
        net_minor=sum(line.net_minor for line in lines),
        tax_minor=sum(line.tax_minor for line in lines),
        gross_minor=sum(line.gross_minor for line in lines),
        sandbox=sandbox,
    )


def purchase_pro_forma(uow: UnitOfWork, purchase_id: UUID, language: Language, *, sandbox: bool) -> ProFormaDocument:
    """What a purchase that is not paid yet comes to.

    Raises:
        NotFound. Conflict: `purchase_not_unpaid`; `nothing_to_pay_for`.
    """
    purchase = uow.session.get(Purchase, purchase_id)
    if purchase is None or purchase.buyer_org_id != uow.principal.organization():
        raise NotFound("not_found")
    if purchase.state not in {"pending_approval", "pending_payment"}:
        raise Conflict("purchase_not_unpaid", state=purchase.state)
    if not purchase.gross_minor:
        raise Conflict("nothing_to_pay_for")
    zone = ZoneInfo(get_party(uow, purchase.buyer_org_id).time_zone)
    placed_on = purchase.created_at.astimezone(zone).date()
    rows = uow.session.execute(
        select(OrderLine, Order.seller_name, Order.number)
        .join(Order, Order.id == OrderLine.order_id)
        .where(Order.purchase_id == purchase.id)
        .order_by(Order.number, OrderLine.id)
    ).all()
    lines = tuple(_ordered(line, seller, language) for line, seller, _ in rows)
    return ProFormaDocument(
        number=f"PF-{placed_on:%Y%m%d}-{purchase.id.hex[-10:].upper()}",
        issued_on=placed_on,
        valid_on=None,
        currency=purchase.currency.strip(),
        language=language,
        seller=_platform(uow),
        buyer=invoiced_party(purchase),
        lines=lines,
        net_minor=sum(line.net_minor for line in lines),
        tax_minor=sum(line.tax_minor for line in lines),
        gross_minor=sum(line.gross_minor for line in lines),
        sandbox=sandbox or purchase.gateway == SANDBOX,
        order_ref=", ".join(dict.fromkeys(number for _, _, number in rows))[:400],
        purchase_order=purchase.po_number or "",
    )


def buyer_statement_paper(
    uow: UnitOfWork, statement_id: UUID, language: Language, *, public_url: str, sandbox: bool
) -> BuyerStatementDocument:
    """A closed month of the acting organization. Raises NotFound(`buyer_statement_not_found`)."""
    row = get_buyer_statement(uow, statement_id)
    content, _ = buyer_statement_content(uow, statement_id)
    said = json.loads(content)
    own = get_party(uow, uow.principal.organization())
    zone = ZoneInfo(said["time_zone"])
    start, end = month_bounds(row.month, said["time_zone"])
    return BuyerStatementDocument(
        number=row.number,
        issued_on=row.created_at.astimezone(zone).date(),
        period=Period.from_half_open(start.date(), end.date()),
        language=language,
        seller=_platform(uow),
        buyer=DocumentParty(
            legal_name=said["organization"]["legal_name"],
            country=own.country.strip(),
            tax_id=said["organization"]["tax_id"],
        ),
        sections=tuple(
            _section(kind, currency, sections, zone)
            for currency, sections in row.currencies.items()
            for kind in SECTIONS
            if sections[kind]
        ),
        content_sha256=row.content_sha256,
        previous_hash=row.previous_hash,
        hash=row.hash,
        verification_url=f"{public_url}/statements/{row.verification_code}" if public_url else "",
        sandbox=sandbox,
    )


def _section(kind: str, currency: str, sections: dict[str, Any], zone: ZoneInfo) -> BuyerStatementSection:
    rows = sections[kind]
    return BuyerStatementSection(
        kind=kind,
        currency=currency,
        lines=tuple(
            BuyerStatementLine(
                on=datetime.fromisoformat(row["at"]).astimezone(zone).date(),
                number=row["number"],
                party=row["party"],
                amount_minor=row["amount_minor"],
            )
            for row in rows[:ROWS_MOST]
        ),
        total_minor=sections["totals"][kind],
        left_out=max(0, len(rows) - ROWS_MOST),
    )


def _platform(uow: UnitOfWork) -> DocumentParty:
    platform = get_party(uow, PLATFORM_ORG_ID)
    return DocumentParty(legal_name=platform.legal_name, country=platform.country.strip(), tax_id=platform.tax_id or "")


def _quoted_title(uow: UnitOfWork, party: InvoiceParty) -> DocumentParty:
    profile = get_billing_profile(uow, party.billing_profile_id) if party.billing_profile_id else None
    return DocumentParty(
        legal_name=party.legal_name, country=party.country, tax_id=party.tax_id or "", **postal_fields(profile)
    )


def _quoted(line: PricedLine, language: Language) -> ProFormaLine:
    return ProFormaLine(
        seller_name=line.issuer_name or line.seller_name,
        name=_in(language, f"{line.title} · {line.plan_name}", f"{line.title_en} · {line.plan_name_en}"),
        note=_untaxed(line.untaxed, language),
        quantity=line.quantity,
        net_minor=line.net_minor,
        tax_rate_ppm=line.tax_rate_ppm,
        tax_minor=line.tax_minor,
        gross_minor=line.gross_minor,
    )


def _ordered(line: OrderLine, seller_name: str, language: Language) -> ProFormaLine:
    plan = line.plan
    return ProFormaLine(
        seller_name=plan.get("issuer_name") or seller_name,
        name=_in(language, f"{plan['title']} · {plan['plan_name']}", f"{plan['title_en']} · {plan['plan_name_en']}"),
        note=_untaxed(untaxed_of(plan), language),
        quantity=line.quantity,
        net_minor=line.net_minor,
        tax_rate_ppm=line.tax_rate_ppm,
        tax_minor=line.tax_minor,
        gross_minor=line.gross_minor,
    )


def _untaxed(untaxed: UntaxedPrice, language: Language) -> str:
    return _in(language, untaxed.in_words("zh-CN") or "", untaxed.in_words("en") or "")


def _in(language: Language, chinese: str, english: str) -> str:
    if language is Language.EN:
        return english
    return chinese if language is Language.ZH or chinese == english else f"{chinese} / {english}"
