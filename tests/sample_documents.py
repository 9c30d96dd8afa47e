"""Documents that tests of both faces share: one of every kind that the product issues."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from billing.documents import renderer
from billing.documents.lines import DocumentLine, TaxCategory, unit_price_of
from billing.documents.model import DocumentKind, InvoiceDocument, Language, OriginalInvoice
from billing.documents.parties import DocumentParty, Period
from billing.documents.statement import COLUMNS, StatementDocument, StatementDocumentLine
from kernel.errors import Unavailable
from kernel.money import apply_ppm, net_of_included

PANGO_MISSING = (
    "WeasyPrint's one system library, Pango, is missing (Debian: apt install libpango-1.0-0 libpangoft2-1.0-0)"
)

SELLER_CN = DocumentParty(
    legal_name="杭州一号直聘网络科技有限公司",
    country="CN",
    tax_id="91330106MA2CFGXR8U",
    address_lines=("西湖区文三路 478 号华星时代广场 A 座 12 层",),
    city="杭州市",
    postcode="310012",
    bank_name="招商银行杭州文三支行",
    bank_account="5719 0812 3410 210",
    phone="0571-8800 1122",
    email="billing@zhipin.example",
)
BUYER_CN = DocumentParty(
    legal_name="上海䶮𠮷智能制造股份有限公司",
    country="CN",
    tax_id="91310115MA1K3YJ12D",
    address_lines=("浦东新区张江高科技园区博云路 2 号",),
    city="上海市",
    bank_name="中国工商银行张江支行",
    bank_account="1001 1234 0900 5678 901",
    email="finance@longji.example",
)
SELLER_DE = DocumentParty(
    legal_name="Nordlicht Software GmbH",
    country="DE",
    tax_id="DE136695976",
    registration_id="HRB 123456 B",
    address_lines=("Chausseestraße 12",),
    city="Berlin",
    postcode="10115",
    bank_account="DE02120300000000202051",
    email="rechnung@nordlicht.example",
)
BUYER_FR = DocumentParty(
    legal_name="Études & Données SAS",
    country="FR",
    tax_id="FR40303265045",
    address_lines=("14 rue de l'Échiquier",),
    city="Paris",
    postcode="75010",
    email="compta@etudes.example",
)
YEAR = Period(date(2026, 11, 22), date(2027, 11, 21))


def pango_is_there() -> bool:
    try:
        renderer._weasyprint()
    except Unavailable:
        return False
    return True


def included_line(
    name: str, gross_minor: int, quantity: str = "1", rate_ppm: int = 60_000, **more: Any
) -> DocumentLine:
    """A line of a price that includes tax, as most Chinese prices do."""
    net = net_of_included(gross_minor, rate_ppm)
    return DocumentLine(
        name=name,
        quantity=Decimal(quantity),
        unit_price_minor=unit_price_of(net, Decimal(quantity)),
        net_minor=net,
        tax_category=TaxCategory.STANDARD,
        tax_rate_ppm=rate_ppm,
        tax_minor=gross_minor - net,
        gross_minor=gross_minor,
        **more,
    )


def untaxed_line(name: str, category: TaxCategory, net_minor: int, **more: Any) -> DocumentLine:
    return DocumentLine(
        name=name,
        quantity=Decimal(1),
        unit_price_minor=Decimal(net_minor),
        net_minor=net_minor,
        tax_category=category,
        tax_rate_ppm=0,
        tax_minor=0,
        gross_minor=net_minor,
        **more,
    )


def excluded_line(name: str, net_minor: int, rate_ppm: int, **more: Any) -> DocumentLine:
    tax = apply_ppm(net_minor, rate_ppm)
    return DocumentLine(
        name=name,
        quantity=Decimal(1),
        unit_price_minor=Decimal(net_minor),
        net_minor=net_minor,
        tax_category=TaxCategory.STANDARD,
        tax_rate_ppm=rate_ppm,
        tax_minor=tax,
        gross_minor=net_minor + tax,
        **more,
    )


def invoice_of(*lines: DocumentLine, **more: Any) -> InvoiceDocument:
    fields: dict[str, Any] = {
        "kind": DocumentKind.INVOICE,
        "number": "ZP-2026-000042",
        "issued_on": date(2026, 11, 22),
        "currency": "CNY",
        "language": Language.BILINGUAL,
        "seller": SELLER_CN,
        "buyer": BUYER_CN,
        "lines": lines,
        "net_minor": sum(line.net_minor for line in lines),
        "tax_minor": sum(line.tax_minor for line in lines),
        "gross_minor": sum(line.gross_minor for line in lines),
        "paid_minor": sum(line.gross_minor for line in lines),
        "sandbox": True,
        "order_ref": "SO-20261122-0007",
        "purchase_order": "PO-2026-1188",
        "payment_ref": "sandbox_pay_01JD3K8Q2M",
        "verification_url": "https://market.example/verify/ZP-2026-000042?c=8f21a0",
    }
    return InvoiceDocument(**(fields | more))


def seats_line() -> DocumentLine:
    return included_line(
        "*信息技术服务*招聘专业版 Recruitment Pro",
        398_000,
        "20",
        unit="席位·年",
        unit_code="ANN",
        description="按年订阅，含职位发布、人才库与面试日程",
        period=YEAR,
    )


def chinese_invoice(**more: Any) -> InvoiceDocument:
    """Services at 6 % and a software product at 13 %."""
    boxed = included_line("*软件*一号直聘本地同步组件 V3.2", 56_500, "1", 130_000, unit="套", description="一次性授权")
    extra = {"period": YEAR, "drawer": "系统开具", "issuer": "沙箱开票 sandbox", "remarks": "合同号 HT-2026-0311"}
    return invoice_of(seats_line(), boxed, **(extra | more))


def credit_note(**more: Any) -> InvoiceDocument:
    original = OriginalInvoice(
        number="26332000000012345678",
        issued_on=date(2026, 11, 22),
        confirmation_number="33012611221234567890",
        reason="服务中止 Service ended",
    )
    fields: dict[str, Any] = {
        "kind": DocumentKind.CREDIT_NOTE,
        "number": "ZPC-2026-000003",
        "original": original,
        "issued_on": date(2026, 11, 29),
        "payment_terms": "原路退回 Refunded to the original payment method",
    }
    return invoice_of(seats_line(), **(fields | more))


def euro_invoice(*lines: DocumentLine, **more: Any) -> InvoiceDocument:
    fields: dict[str, Any] = {
        "number": "NL-2026-0009",
        "currency": "EUR",
        "language": Language.EN,
        "seller": SELLER_DE,
        "buyer": BUYER_FR,
        "paid_minor": 0,
        "due_on": date(2026, 12, 22),
        "sandbox": False,
    }
    return invoice_of(*lines, **(fields | more))


def orders_of_a_month() -> tuple[DocumentLine, ...]:
    """The lines of a consolidated invoice: two of one order, one of another, each with what it was paid for."""
    first = {"order_ref": "20261102-7D6F12AA01", "order_details": "PO PO-7 · 成本中心 Cost centre R&D <1>"}
    return (
        excluded_line("Analytics Pro", 120_000, 190_000, period=YEAR, **first),
        excluded_line("E-book", 1_999, 70_000, **first),
        excluded_line("Analytics Pro", 33_333, 190_000, period=YEAR, order_ref="20261109-7D6F12AA02"),
    )


def statement(count: int = 6, *, factor: int = 1, **more: Any) -> StatementDocument:
    """A seller's month; every third order was refunded in part."""
    lines = []
    for index in range(count):
        gross = (398_000 + 12_300 * index) * factor
        refund = -50_000 * factor if index % 3 == 2 else 0
        commission = -apply_ppm(gross + refund, 100_000)
        parts = {
            "gross_minor": gross,
            "refunds_minor": refund,
            "commission_minor": commission,
            "promoter_minor": -apply_ppm(gross + refund, 50_000),
            "commission_tax_minor": -apply_ppm(-commission, 60_000),
        }
        lines.append(
            StatementDocumentLine(
                occurred_on=date(2026, 11, 1 + index % 28),
                order_ref=f"SO-202611{1 + index % 28:02d}-{index:04d}",
                description="招聘专业版 · 20 席位 Recruitment Pro",
                net_minor=sum(parts.values()),
                **parts,
            )
        )
    totals = {column: sum(getattr(line, column) for line in lines) for column in COLUMNS}
    fields: dict[str, Any] = {
        "number": "ST-2026-11-0003",
        "issued_on": date(2026, 12, 3),
        "currency": "CNY",
        "language": Language.BILINGUAL,
        "platform": DocumentParty(
            legal_name="频道市场平台有限公司", country="CN", tax_id="91310000MA1FL5E91K", city="上海市"
        ),
        "party": SELLER_CN,
        "period": Period(date(2026, 11, 1), date(2026, 11, 30)),
        "lines": tuple(lines),
        "carry_over_minor": -12_000,
        "net_minor": sum(totals.values()) - 12_000,
        "sandbox": True,
        "payout_ref": "PO-2026-12-0001",
        "payout_on": date(2026, 12, 5),
        "verification_url": "https://market.example/verify/ST-2026-11-0003",
    }
    return StatementDocument(**(fields | totals | more))
