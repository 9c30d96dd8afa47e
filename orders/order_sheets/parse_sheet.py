"""A sheet's lines from a file or from what was pasted: CSV, tab-separated, XLSX. Pure; runs in a process of its own."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Sequence

from python_calamine import CalamineError, CalamineWorkbook

from kernel.errors import Invalid
from orders.order_sheets.sheet_rows import MOST_CELL, MOST_ROWS, SheetRow

ALIASES: dict[str, frozenset[str]] = {
    "code": frozenset(
        {"code", "plan", "plan code", "product code", "sku", "编号", "编码", "规格编号", "规格代码", "商品编号"}
    ),
    "quantity": frozenset({"quantity", "qty", "seats", "数量", "席位", "席位数", "订购数量"}),
    "end_customer": frozenset({"end customer", "end_customer", "终端客户", "最终客户", "使用方"}),
    "note": frozenset({"note", "remark", "remarks", "customer", "备注", "说明", "客户"}),
}
TEMPLATE_MARK = frozenset({"step", "递增量"})
"""A column that only our template has: there a line without a quantity is one that nobody filled in."""
MOST_COLUMNS = 100
MOST_UNPACKED = 64 << 20
"""What a workbook may unpack to, in bytes."""
_ZIP = b"PK\x03\x04"
_BLANKS = re.compile(r"\s{2,}|\t|\s")

Grid = list[tuple[int, list[str]]]


def parse_sheet(content: bytes) -> list[SheetRow]:
    """The lines of a file, each with its number there.

    Raises: Invalid `order_sheet_encoding`, `order_sheet_unreadable`, `order_sheet_too_many_lines`, `order_sheet_empty`,
    `order_sheet_columns` (a header without a code or a quantity).
    """
    grid = grid_of(content)
    places, is_header, is_template = _columns(grid[0][1])
    rows = [_row(number, cells, places) for number, cells in (grid[1:] if is_header else grid)]
    rows = [row for row in rows if row.code or row.quantity or row.note]
    if is_template:
        rows = [row for row in rows if row.quantity or row.note]
    if not rows:
        raise Invalid("order_sheet_empty", field="file")
    if len(rows) > MOST_ROWS:
        raise Invalid("order_sheet_too_many_lines", field="file", most=MOST_ROWS)
    return rows


def grid_of(content: bytes) -> Grid:
    """The lines of a file that are not empty, each with its number there. Raises as `parse_sheet`."""
    grid = _workbook(content) if content.startswith(_ZIP) else _text(content)
    grid = [(number, cells) for number, cells in grid if any(cells)]
    if not grid:
        raise Invalid("order_sheet_empty", field="file")
    return grid


def _columns(head: Sequence[str]) -> tuple[dict[str, int], bool, bool]:
    """Where each column is, whether the first line says so, and whether it is that of our template."""
    named = [unicodedata.normalize("NFKC", cell).strip().casefold() for cell in head]
    found = {
        column: place
        for column, names in ALIASES.items()
        for place in [next((at for at, name in enumerate(named) if name in names), None)]
        if place is not None
    }
    if not found:
        return {"code": 0, "quantity": 1, "note": 2}, False, False
    if "code" not in found or "quantity" not in found:
        raise Invalid("order_sheet_columns", field="file")
    return found, True, bool(TEMPLATE_MARK.intersection(named))


def _row(number: int, cells: Sequence[str], places: dict[str, int]) -> SheetRow:
    said = {column: cells[place] if place < len(cells) else "" for column, place in places.items()}
    named = said.get("end_customer", "")
    return SheetRow(number, said["code"], said["quantity"], said.get("note", ""), end_customer=named)


def _cell(value: object) -> str:
    """A cell as text: control characters are spaces, a whole number has no point."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**15:
        value = int(value)
    text = "" if value is None else str(value)
    clean = "".join(" " if unicodedata.category(one).startswith("C") else one for one in text[: MOST_CELL * 2])
    return clean.strip()[:MOST_CELL]


def _workbook(content: bytes) -> Grid:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(one.file_size for one in packed.infolist()) > MOST_UNPACKED:
                raise Invalid("order_sheet_unreadable", field="file")
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheet = book.get_sheet_by_index(0)
        if sheet.total_width > MOST_COLUMNS:
            raise Invalid("order_sheet_columns", field="file")
        found = []
        first = sheet.start[0] if sheet.start else 0
        for at, row in enumerate(sheet.iter_rows()):
            cells = [_cell(one) for one in row]
            if any(cells):
                found.append((first + at + 1 if sheet.start else at + 1, cells))
            if len(found) > MOST_ROWS + 1:
                raise Invalid("order_sheet_too_many_lines", field="file", most=MOST_ROWS)
    except (CalamineError, zipfile.BadZipFile, ValueError, IndexError, OverflowError) as error:
        raise Invalid("order_sheet_unreadable", field="file") from error
    return found


def decode(content: bytes) -> str:
    """Text in UTF-8 or UTF-16 with a mark, UTF-8, or China's own encodings. Raises Invalid `order_sheet_encoding`."""
    marked = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}.get(content[:2])
    for encoding in [marked] if marked else ["utf-8-sig", "gb18030"]:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise Invalid("order_sheet_encoding", field="file")


def _text(content: bytes) -> Grid:
    """Separated by what its first line has most of; without any, by blanks, of which the note keeps its own."""
    text = decode(content)
    head = next((line for line in text.splitlines() if line.strip()), "")
    separator = max("\t;,，", key=head.count)
    if head.count(separator) == 0:
        return _bounded((at, _BLANKS.split(line.strip(), 2)) for at, line in enumerate(text.splitlines(), 1))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    found: Grid = []
    at = 0
    try:
        for cells in reader:
            # A cell may hold line breaks: a line is called by the number that it begins with.
            found.append((at + 1, cells[:MOST_COLUMNS]))
            at = reader.line_num
            if len(found) > MOST_ROWS * 2:
                raise Invalid("order_sheet_too_many_lines", field="file", most=MOST_ROWS)
    except csv.Error as error:
        raise Invalid("order_sheet_unreadable", field="file") from error
    return _bounded(found)


def _bounded(lines: Iterable[tuple[int, Sequence[str]]]) -> Grid:
    return [(at, [_cell(one) for one in cells]) for at, cells in lines]
