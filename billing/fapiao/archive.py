"""The files of tax invoices (数电票), face and data, beside those of the bills and credit notes in an archive."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, select

from billing.fapiao.models import Fapiao, RedLetter
from billing.invoices.files import FilesFound, StoredFile
from billing.invoices.models import FapiaoSource
from kernel.db.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class BillFapiao:
    """A numbered tax invoice of a bill, or the red one of a credit note."""

    id: UUID
    document_id: UUID
    """The bill or credit note that it stands beside."""
    number: str
    pdf_key: str
    pdf_sha256: str
    xml_key: str
    xml_sha256: str


def fapiaos_of(uow: UnitOfWork, invoice_ids: Collection[UUID]) -> list[BillFapiao]:
    """What was numbered for these documents, which the caller found visible: blue ones of bills, red ones of credit notes.

    One of several merged bills stands beside each of them.
    """
    ids = bindparam("ids", list(invoice_ids), ARRAY(Uuid))
    files = (Fapiao.id, Fapiao.number, Fapiao.pdf_key, Fapiao.pdf_sha256, Fapiao.xml_key, Fapiao.xml_sha256)
    blue = (
        select(FapiaoSource.invoice_id, *files)
        .join(Fapiao, (Fapiao.request_id == FapiaoSource.request_id) & (Fapiao.direction == "blue"))
        .where(FapiaoSource.invoice_id == any_(ids), Fapiao.number.is_not(None))
        .order_by(FapiaoSource.invoice_id, Fapiao.position)
    )
    red = (
        select(RedLetter.note_id, *files)
        .join(Fapiao, Fapiao.id == RedLetter.red_id)
        .where(RedLetter.note_id == any_(ids), Fapiao.number.is_not(None))
        .order_by(RedLetter.note_id, Fapiao.position)
    )
    return [*_found(uow.session.execute(blue)), *_found(uow.session.execute(red))]


def with_fapiaos(uow: UnitOfWork, found: FilesFound) -> FilesFound:
    """The archive with the tax invoices of its documents: each once, named after the first document that it stands beside."""
    numbers: dict[UUID, list[str]] = defaultdict(list)
    files: dict[UUID, list[StoredFile]] = {}
    by_document: dict[UUID, list[BillFapiao]] = defaultdict(list)
    for one in fapiaos_of(uow, found.stems):
        by_document[one.document_id].append(one)
    for document_id, stem in found.stems.items():
        for one in by_document[document_id]:
            numbers[document_id].append(one.number)
            name = f"{stem}-fapiao-{one.number}"
            face = StoredFile(one.pdf_key, f"{name}.pdf", one.pdf_sha256)
            files.setdefault(one.id, [face, StoredFile(one.xml_key, f"{name}.xml", one.xml_sha256)])
    index = [
        replace(row, fapiao_numbers=" ".join(numbers[document_id]))
        for document_id, row in zip(found.stems, found.index, strict=True)
    ]
    more = [file for pair in files.values() for file in pair]
    return replace(found, files=[*found.files, *more], index=index)


def _found(rows: Iterable[Any]) -> list[BillFapiao]:
    return [
        BillFapiao(row.id, row[0], row.number, row.pdf_key, row.pdf_sha256, row.xml_key, row.xml_sha256) for row in rows
    ]
