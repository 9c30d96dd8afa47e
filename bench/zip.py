"""An archive of ten thousand invoices: how fast it is sent, and how little memory that takes."""

from __future__ import annotations

import tempfile
import time
import zipfile
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psutil
from sqlalchemy import text

from api.v1.invoice_export import archive_of
from bench.books import books, organization, write
from bench.invoices import issue_many
from bench.options import Options
from bench.report import Method, Report
from billing.invoices.files import FilesFound, files_of
from billing.invoices.queries import InvoiceFilter
from kernel.db.uow import Database, unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM, Principal, PrincipalKind
from kernel.storage import Storage, open_storage
from marketplace.parties.models import Organization

DOCUMENTS, BATCH = 10_000, 500
MOST_GROWTH_BYTES = 64 << 20
PDF_BYTES, XML_BYTES = 40_000, 8_000
METHOD = Method(
    "10,000 invoices are issued by the product's verb on real PostgreSQL; each has a PDF of 40 kB and an XML of 8 kB in the "
    "product's storage. Then the buyer's archive of all of them, with its index as CSV and workbook, is found and made as for a "
    "download, piece by piece, and the resident memory of this process is read at every piece. It must not grow by 64 MiB. "
    "Ratio: bytes per second against a bare zipfile of the same files that were read before.",
    "在真实 PostgreSQL 上用产品的动词开具 10,000 张发票，每张在产品的存储中有 40 kB 的 PDF 与 8 kB 的 XML。"
    "随后像下载一样逐块生成买方的全部发票压缩包，含 CSV 与工作簿索引，每块读取一次本进程的常驻内存，"
    "增长不得达到 64 MiB。比值为每秒字节数，与事先读入内存的同样文件的裸 zipfile 相比。",
)


def measure(_options: Options) -> Report:
    """Measure on books of its own."""
    with books() as made, tempfile.TemporaryDirectory(prefix="market-bench-zip-") as folder:
        seller, buyer = organization("卖方软件", is_seller=True), organization("买方科技")
        write(made.db, seller, buyer)
        storage = open_storage(str(Path(folder)))
        contents = _stored(storage)
        _issued(made.db, seller, buyer, list(contents))
        process = psutil.Process()
        # An archive of none of them, for what the first one of a process costs whatever is in it.
        _taken(storage, _found(made.db, buyer, InvoiceFilter(po_number="none")), process)
        before = process.memory_info().rss
        begun_s = time.monotonic()
        found = _found(made.db, buyer, InvoiceFilter())
        sent, peak = _taken(storage, found, process)
        took_s = time.monotonic() - begun_s
        bare_s = _bare(found, contents)
    growth = peak - before
    broken = (
        []
        if growth < MOST_GROWTH_BYTES
        else [f"memory grew by {growth >> 20} MiB, {MOST_GROWTH_BYTES >> 20} are the most"]
    )
    if len(found.files) != 2 * DOCUMENTS:
        broken.append(f"{len(found.files)} files were found of {2 * DOCUMENTS}")
    return Report(
        name="zip",
        value=round(growth / (1 << 20), 1),
        unit="MiB of growth",
        method=METHOD,
        ratio=bare_s / took_s,
        ratio_of="bytes per second : bare zipfile",
        details={
            "documents": DOCUMENTS,
            "sent_bytes": sent,
            "seconds": round(took_s, 1),
            "bare_seconds": round(bare_s, 1),
        },
        broken=broken,
    )


def _stored(storage: Storage) -> dict[str, bytes]:
    """A few files that all documents share, of the size and compressibility of drawn ones."""
    made = {}
    for form, size in (("pdf", PDF_BYTES), ("xml", XML_BYTES)):
        key = f"documents/bench.{form}"
        made[key] = b"".join(uuid7().bytes + b" " * 16 for _ in range(size // 32))
        storage.put_bytes(key, made[key])
    return made


def _issued(db: Database, seller: Organization, buyer: Organization, keys: list[str]) -> None:
    for _ in range(DOCUMENTS // BATCH):
        issue_many(db, seller, buyer, BATCH)
    with unit_of_work(db, SYSTEM) as uow:
        uow.session.execute(
            text("""UPDATE billing.invoice SET pdf_key = :pdf, pdf_sha256 = '00', xml_key = :xml, xml_sha256 = '00',
                           rendered_at = issued_at WHERE buyer_org_id = :buyer"""),
            {"pdf": keys[0], "xml": keys[1], "buyer": buyer.id},
        )


def _found(db: Database, buyer: Organization, wanted: InvoiceFilter) -> FilesFound:
    reader = Principal(PrincipalKind.PERSON, buyer.id, uuid7(), frozenset({"invoices.read"}), "bench")
    with unit_of_work(db, reader) as uow:
        return files_of(uow, wanted)


def _taken(storage: Storage, found: FilesFound, process: psutil.Process) -> tuple[int, int]:
    """Bytes that were sent, and the most memory that was resident meanwhile."""
    sent = peak = 0
    for chunk in archive_of(cast("Any", SimpleNamespace(storage=storage)), found):
        sent += len(chunk)
        peak = max(peak, process.memory_info().rss)
    return sent, peak


def _bare(found: FilesFound, contents: dict[str, bytes]) -> float:
    begun_s = time.monotonic()
    with zipfile.ZipFile(BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        for file in found.files:
            archive.writestr(file.file_name, contents[file.key])
    return time.monotonic() - begun_s
