"""Invoices: numbers given per second, and pages drawn against bare WeasyPrint of the same HTML."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from statistics import median
from typing import Any
from uuid import UUID

import pikepdf

from bench.books import books, organization, write
from bench.options import Options
from bench.report import Method, Report
from billing.documents.html import HtmlDocument, invoice_html, style_sheet
from billing.documents.model import InvoiceDocument
from billing.documents.parties import DocumentParty
from billing.documents.renderer import render_pdf
from billing.documents.subprocess_renderer import SubprocessRenderer
from billing.invoices.issue_invoice import IssueInvoice, LineToInvoice, issue_invoice
from billing.invoices.to_document import load_document
from kernel.db.uow import Database, unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.parties.models import Organization

SECONDS = 5.0
ISSUERS = 4
BATCH = 100
DOCUMENTS = 40
TIMEOUT_S = 60.0
METHOD = Method(
    "Numbers: invoices of one line are issued by the product's verb in this process with durable commits on real PostgreSQL, "
    "all of one series: one to a transaction by one thread and by four, 100 to a transaction by one, 5 s each. Drawing: the same "
    "40 documents by the product's renderer (PDF/A-3a with embedded XML) and by WeasyPrint from the same HTML, style sheet and "
    "font without XML or profile, document by document in turns, in this process; then by the product's separate drawing "
    "process for 5 s, which gives way to all others. "
    "Ratio: pages per second of processor time, renderer over bare WeasyPrint, by the medians of the documents.",
    "编号：在本进程中用产品的动词开具单行发票，持久提交，真实 PostgreSQL，同一编号系列：每事务一张（"
    "单线程与四线程）、每事务 100 张"
    "（单线程），各 5 秒。绘制：同样 40 份文档，由产品渲染器（PDF/A-3a，内嵌 XML）与裸 WeasyPrint（"
    "相同 HTML、样式与字体，无 XML 与"
    "配置）逐份交替绘制，均在本进程；再由产品独立的绘制进程绘制 5 秒（其优先级最低）。"
    "比值为每秒处理器时间页数（按各文档的中位数），产品渲染器比裸 WeasyPrint。",
)


def measure(_options: Options) -> Report:
    """Measure on books of its own."""
    with books() as made:
        seller, buyer = organization("卖方软件", is_seller=True), organization("买方科技")
        write(made.db, seller, buyer)
        issue_many(made.db, seller, buyer, 1)
        numbers = {
            "1_a_transaction_1_thread": _rate(lambda: issue_many(made.db, seller, buyer, 1), 1, threads=1),
            f"1_a_transaction_{ISSUERS}_threads": _rate(
                lambda: issue_many(made.db, seller, buyer, 1), 1, threads=ISSUERS
            ),
            f"{BATCH}_a_transaction_1_thread": _rate(
                lambda: issue_many(made.db, seller, buyer, BATCH), BATCH, threads=1
            ),
        }
        issued = issue_many(made.db, seller, buyer, DOCUMENTS)
        with unit_of_work(made.db, SYSTEM) as uow:
            documents = [load_document(uow, one, public_url="https://market.example") for one in issued]
    drawn = _drawn(documents)
    return Report(
        name="invoices",
        value=max(numbers.values()),
        unit="numbers/s",
        method=METHOD,
        ratio=drawn["renderer_pages_per_cpu_s"] / drawn["bare_pages_per_cpu_s"],
        ratio_of="pages per second of processor time : bare WeasyPrint",
        details={"numbers_per_s": numbers, "drawing": drawn},
    )


def _rate(work: Callable[[], object], units: int, *, threads: int) -> float:
    """Units per second that so many threads do together, `units` of them a call."""
    done: list[int] = []
    until_s = time.monotonic() + SECONDS

    def loop() -> None:
        count = 0
        while time.monotonic() < until_s:
            work()
            count += units
        done.append(count)

    begun_s = time.monotonic()
    workers = [threading.Thread(target=loop) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if len(done) < threads:
        raise RuntimeError("an issuer failed")
    return round(sum(done) / (time.monotonic() - begun_s), 1)


def issue_many(db: Database, seller: Organization, buyer: Organization, size: int) -> list[UUID]:
    """Issue `size` invoices in one transaction; returns their ids."""
    with unit_of_work(db, SYSTEM) as uow:
        return [issue_invoice(uow, _command(seller, buyer)) for _ in range(size)]


def _command(seller: Organization, buyer: Organization) -> IssueInvoice:
    line = LineToInvoice(
        reference=uuid7(),
        name="协同平台 专业版 Team plan",
        quantity=Decimal(10),
        net_minor=100_000,
        tax_minor=6_000,
        gross_minor=106_000,
        tax_rate_ppm=60_000,
        tax_category="S",
        unit="席位 seat",
    )
    return IssueInvoice(
        reference=uuid7(),
        buyer_org_id=buyer.id,
        seller_org_id=seller.id,
        buyer=DocumentParty(buyer.legal_name, "CN", "91330000MA27XYZ123"),
        seller=DocumentParty(seller.legal_name, "CN", "91110108MA01ABCDE4", address_lines=("海淀区 1 号",)),
        currency="CNY",
        lines=[line],
        order_number="O-2026-000001",
        sandbox=True,
        paid_minor=106_000,
        issuer_time_zone=seller.time_zone,
    )


def _drawn(documents: list[InvoiceDocument]) -> dict[str, float]:
    """Each document by both ways in turns, so that a slow moment slows both; the first of each is left out."""
    papers = [invoice_html(document) for document in documents]
    style = _bare_weasyprint().CSS(string=style_sheet())
    pages = 0
    spent_s: dict[str, list[float]] = {"renderer": [], "bare": []}
    ways: dict[str, Callable[[int], bytes]] = {
        "renderer": lambda index: render_pdf(documents[index]),
        "bare": lambda index: _bare(papers[index], style),
    }
    for draw in ways.values():
        draw(0)
    for index in range(1, len(documents)):
        for name, draw in ways.items():
            begun_s = time.process_time()
            content = draw(index)
            spent_s[name].append(time.process_time() - begun_s)
        pages += _pages(content)
    a_document = pages / (len(documents) - 1)
    with SubprocessRenderer() as apart:
        apart.render(documents[0], TIMEOUT_S)
        apart_count, begun_s = 0, time.monotonic()
        while time.monotonic() - begun_s < SECONDS:
            apart.render(documents[apart_count % len(documents)], TIMEOUT_S)
            apart_count += 1
        apart_s = time.monotonic() - begun_s
    return {
        "pages": pages,
        "renderer_pages_per_cpu_s": round(a_document / median(spent_s["renderer"]), 2),
        "bare_pages_per_cpu_s": round(a_document / median(spent_s["bare"]), 2),
        "separate_process_pages_per_s": round(a_document * apart_count / apart_s, 2),
    }


def _bare_weasyprint() -> Any:
    """Imported where it is used: it changes how the whole process reads pictures."""
    import weasyprint  # noqa: PLC0415

    return weasyprint


def _bare(paper: HtmlDocument, style: Any) -> bytes:
    html = _bare_weasyprint().HTML(string=paper.html, url_fetcher=_fetcher(paper))
    return bytes(html.write_pdf(stylesheets=[style], full_fonts=True))


def _fetcher(paper: HtmlDocument) -> Callable[[str], Any]:
    def fetch(url: str) -> Any:
        media_type, content = paper.assets[url]
        return _bare_weasyprint().urls.URLFetcherResponse(url, content, {"Content-Type": media_type})

    return fetch


def _pages(content: bytes) -> int:
    with pikepdf.open(io.BytesIO(content)) as document:
        return len(document.pages)
