"""数电票: what goes onto which, its data against published files, and what it must say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from billing.documents.fapiao import FapiaoDocument, RedReference, item_name
from billing.documents.fapiao_split import LeftLine, PartLine, split_by_limit, take_back
from billing.documents.fapiao_xml import to_fapiao_xml
from billing.documents.html import fapiao_html
from billing.documents.lines import DocumentLine, TaxCategory, unit_price_of
from billing.tax.decision import TaxParty, tax_for
from billing.tax.line_amounts import line_amounts
from kernel.errors import Invalid
from kernel.money import PPM, net_of_included
from tests.sample_documents import BUYER_CN, SELLER_CN, included_line

BLUE, FORM = "26332000000012345678", "33012611221234567890"


def fapiao(*lines: DocumentLine, **more: Any) -> FapiaoDocument:
    fields: dict[str, Any] = {
        "number": "26339000000000000042",
        "issued_at": datetime(2026, 11, 22, 17, 30, tzinfo=UTC),
        "issued_on": date(2026, 11, 23),
        "special": False,
        "seller": SELLER_CN,
        "buyer": BUYER_CN,
        "lines": lines,
        "net_minor": sum(line.net_minor for line in lines),
        "tax_minor": sum(line.tax_minor for line in lines),
        "gross_minor": sum(line.gross_minor for line in lines),
        "issuer": "沙箱开票 sandbox",
        "sandbox": True,
        "drawer": "系统开具",
    }
    return FapiaoDocument(**(fields | more))


def red(**more: Any) -> FapiaoDocument:
    """Of 500 yuan at 1 %, as in a published file: -500.00 = -495.05 + -4.95."""
    line = included_line("*信息技术服务*咨询", 50_000, rate_ppm=10_000)
    return fapiao(line, red=RedReference(BLUE, FORM), **more)


def texts(document: FapiaoDocument) -> dict[str, str]:
    return {str(one.tag): one.text or "" for one in etree.fromstring(to_fapiao_xml(document)).iter()}


def test_the_data_of_a_blue_one_agree_with_a_published_file() -> None:
    # 5.45 + 0.16 = 5.61 at 3 %.
    found = texts(fapiao(included_line("*软件*小件", 561, rate_ppm=30_000), sandbox=False))
    assert (found["Amount"], found["ComTaxAm"], found["TotaltaxIncludedAmount"]) == ("5.45", "0.16", "5.61")
    assert (found["TotalAmWithoutTax"], found["TotalTaxAm"], found["TotalTax-includedAmount"]) == (
        "5.45",
        "0.16",
        "5.61",
    )
    assert (found["TaxRate"], found["EInvoiceTag"], found["InvoiceNumber"]) == ("0.03", "SWEI3200", found["EIid"])
    assert found["TotalTax-includedAmountInChinese"] == "伍圆陆角壹分"
    assert found["IssueTime"] == "2026-11-23 01:30:00", "the administration's day is China's"


def test_the_data_of_a_red_one_agree_with_a_published_file() -> None:
    root = etree.fromstring(to_fapiao_xml(red(sandbox=False)))
    assert [one.text for one in root.iter("LabelCode")] == ["N", "01", "02"]
    found = texts(red(sandbox=False))
    assert (found["TotalTax-includedAmount"], found["TotalAmWithoutTax"], found["TotalTaxAm"]) == (
        "-500.00",
        "-495.05",
        "-4.95",
    )
    assert found["TotalTax-includedAmountInChinese"] == "（负数）伍佰圆整"
    assert (found["OriginalInvoiceCode"], found["CreditNoteNumber"]) == (BLUE, FORM)
    assert found["Remark"] == f"被红冲蓝字数电票号码：{BLUE} 红字发票信息确认单编号：{FORM}"


@pytest.mark.parametrize(
    ("on", "gross", "rate", "net", "tax"),
    [
        (date(2022, 12, 31), 561, "0.03", "5.45", "0.16"),
        (date(2023, 1, 1), 50_000, "0.01", "495.05", "4.95"),
        (date(2027, 12, 31), 50_000, "0.01", "495.05", "4.95"),
        (date(2028, 1, 1), 561, "0.03", "5.45", "0.16"),
        (date(2028, 1, 1), 50_000, "0.03", "485.44", "14.56"),
    ],
)
def test_a_small_scale_taxpayers_levy_by_its_day(on: date, gross: int, rate: str, net: str, tax: str) -> None:
    """From the decision to the data file; the first two are published files (财政部 税务总局公告2023年第19号 for the days)."""
    seller, buyer = TaxParty("CN", SELLER_CN.tax_id, "small_scale"), TaxParty("CN", BUYER_CN.tax_id)
    decision = tax_for(seller, buyer, "service", on, included=True)
    amounts = line_amounts(gross, 0, decision)
    line = included_line("*信息技术服务*咨询", gross, rate_ppm=decision.rate_ppm)
    assert (line.net_minor, line.tax_minor) == (amounts.net_minor, amounts.tax_minor)
    found = texts(fapiao(line, sandbox=False))
    assert (found["TaxRate"], found["Amount"], found["ComTaxAm"]) == (rate, net, tax)


def test_a_sandboxs_says_so_in_its_data_and_on_its_face() -> None:
    found = texts(red())
    assert found["EInvoiceTag"] == "SANDBOX"
    assert "非税务发票" in found["Remark"]
    assert "不得入账抵扣" in fapiao_html(red()).html
    assert "不得入账抵扣" not in fapiao_html(red(sandbox=False)).html


def test_the_face_says_what_kind_it_is() -> None:
    assert "电子发票（增值税专用发票）" in fapiao_html(red(special=True)).html
    face = fapiao_html(fapiao(included_line("<b>&", 561))).html
    assert "电子发票（普通发票）" in face
    assert "&lt;b&gt;&amp;" in face


@pytest.mark.parametrize("number", ["", "INV-2026-000001", "2633900000000000004", "２6339000000000000042"])
def test_without_the_authoritys_number_there_is_none(number: str) -> None:
    with pytest.raises(Invalid, match="fapiao_number_malformed"):
        fapiao(included_line("x", 561), number=number)


def test_the_class_stands_before_the_name_once() -> None:
    assert item_name("招聘专业版", 60_000) == "*信息技术服务*招聘专业版"
    assert item_name("同步组件", 130_000) == "*软件*同步组件"
    assert item_name("*研发*服务", 60_000) == "*研发*服务"


RATES = st.sampled_from([0, 10_000, 30_000, 60_000, 130_000])


@st.composite
def part_lines(draw: st.DrawFn) -> list[PartLine]:
    lines = []
    for index in range(draw(st.integers(1, 6))):
        gross, rate = draw(st.integers(1, 10**9)), draw(RATES)
        net = net_of_included(gross, rate)
        lines.append(
            PartLine(UUID(int=index), "x", "席", Decimal(3), net, gross - net, gross, rate, "S" if rate else "E", "")
        )
    return lines


def as_document_line(line: PartLine) -> DocumentLine:
    return DocumentLine(
        name="x",
        quantity=line.quantity,
        unit_price_minor=unit_price_of(line.net_minor, line.quantity),
        net_minor=line.net_minor,
        tax_category=TaxCategory(line.tax_category),
        tax_rate_ppm=line.tax_rate_ppm,
        tax_minor=line.tax_minor,
        gross_minor=line.gross_minor,
    )


def of_source(parts: list[PartLine], source: UUID) -> tuple[int, int, int]:
    own = [part for part in parts if part.source_id == source]
    return (sum(p.net_minor for p in own), sum(p.tax_minor for p in own), sum(p.gross_minor for p in own))


@given(part_lines(), st.integers(10**6, 10**9))
def test_split_nothing_is_lost_and_none_is_above_the_limit(lines: list[PartLine], limit: int) -> None:
    documents = split_by_limit(lines, limit)
    parts = [part for document in documents for part in document]
    assert all(0 < sum(part.net_minor for part in document) <= limit for document in documents if document != [])
    assert all(documents)
    for line in lines:
        assert of_source(parts, line.source_id) == (line.net_minor, line.tax_minor, line.gross_minor)
    for part in parts:
        as_document_line(part)
    # No two neighbours would have gone onto one.
    for former, latter in pairwise(documents):
        assert sum(part.net_minor for part in former) + latter[0].net_minor > limit


@given(part_lines(), st.integers(10**6, 10**9), st.lists(st.integers(1, PPM), min_size=1, max_size=5))
def test_taken_back_in_parts_all_of_it_goes_and_never_more(
    lines: list[PartLine], limit: int, shares: list[int]
) -> None:
    line = lines[0]
    left = {
        UUID(int=index): part
        for index, (part,) in enumerate([d] for d in (p for doc in split_by_limit([line], limit) for p in doc))
    }
    to_go = line.gross_minor
    for wanted in [*(max(1, line.gross_minor * share // (PPM * len(shares))) for share in shares), line.gross_minor]:
        part = min(wanted, to_go)
        to_go -= part
        taken = take_back([LeftLine(key, one) for key, one in left.items()], part)
        assert sum(one.line.gross_minor for one in taken) == part
        for one in taken:
            now = left[one.fapiao_id]
            assert 0 <= one.line.net_minor <= now.net_minor
            assert 0 <= one.line.tax_minor <= now.tax_minor
            left[one.fapiao_id] = replace(
                now,
                net_minor=now.net_minor - one.line.net_minor,
                tax_minor=now.tax_minor - one.line.tax_minor,
                gross_minor=now.gross_minor - one.line.gross_minor,
            )
    assert all((one.net_minor, one.tax_minor, one.gross_minor) == (0, 0, 0) for one in left.values())
    with pytest.raises(ValueError, match="more is credited"):
        take_back([LeftLine(key, one) for key, one in left.items()], 1)
