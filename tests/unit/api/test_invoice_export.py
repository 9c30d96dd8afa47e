"""A month's archive says which documents are not in it yet."""

from __future__ import annotations

import io
import zipfile
from types import SimpleNamespace
from typing import Any, cast

from api.v1.invoice_export import PENDING, archive_of
from billing.invoices.files import FilesFound, StoredFile

TABLES = ("index.csv", "index.xlsx")
FILE = StoredFile("k1", "INV-1.pdf", "00")


def archive(found: FilesFound) -> zipfile.ZipFile:
    services = cast("Any", SimpleNamespace(storage=SimpleNamespace(get_bytes=lambda key: key.encode())))
    return zipfile.ZipFile(io.BytesIO(b"".join(archive_of(services, found))))


def test_what_is_not_drawn_yet_is_named() -> None:
    made = archive(FilesFound([FILE], ["某公司 INV-2"], []))
    assert made.namelist() == [PENDING, "INV-1.pdf", *TABLES]
    assert made.read(PENDING).decode("utf-8-sig").splitlines()[-1] == "某公司 INV-2"
    assert made.read("INV-1.pdf") == b"k1"


def test_a_whole_month_is_its_files_alone() -> None:
    assert archive(FilesFound([FILE], [], [])).namelist() == ["INV-1.pdf", *TABLES]
