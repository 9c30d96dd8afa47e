"""A list of dealers from a file or from what was pasted: CSV, tab-separated, XLSX. Pure; runs in a process of its own."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

from kernel.errors import Invalid
from marketplace.relations.dealer_rows import MOST_ROWS, DealerRow
from orders.order_sheets.parse_sheet import grid_of

DEALERS: Final = "dealers"
"""How the process is asked for one."""
ALIASES: Final[dict[str, frozenset[str]]] = {
    "name": frozenset(
        {"name", "dealer", "company", "organization", "名称", "经销商", "公司", "公司名称", "组织名称", "企业名称"}
    ),
    "tax_id": frozenset(
        {"tax id", "tax number", "vat", "vat id", "税号", "纳税人识别号", "统一社会信用代码", "信用代码"}
    ),
    "email": frozenset({"email", "e-mail", "mail", "邮箱", "电子邮箱", "邮件", "电子邮件"}),
    "tier": frozenset({"tier", "level", "grade", "等级", "级别", "伙伴等级"}),
}


def parse_dealers(content: bytes) -> list[DealerRow]:
    """The lines of a file, each with its number there.

    Without a header a line is a name, a tax identifier or a mail address or both, and the tier last.

    Raises: Invalid as `parse_sheet`, `dealer_list_columns` (a header without names, tiers, or without both identifiers and
    addresses), `dealer_list_too_many_lines`.
    """
    grid = grid_of(content)
    places = _columns(grid[0][1])
    rows = [_row(number, cells, places) for number, cells in (grid[1:] if places else grid)]
    rows = [row for row in rows if row.name or row.tax_id or row.email or row.tier]
    if not rows:
        raise Invalid("order_sheet_empty", field="file")
    if len(rows) > MOST_ROWS:
        raise Invalid("dealer_list_too_many_lines", field="file", most=MOST_ROWS)
    return rows


def _columns(head: Sequence[str]) -> dict[str, int]:
    """Where each column is; empty where the first line is no header."""
    named = [unicodedata.normalize("NFKC", cell).strip().casefold() for cell in head]
    found: dict[str, int] = {}
    for column, names in ALIASES.items():
        place = next((at for at, name in enumerate(named) if name in names), None)
        if place is not None:
            found[column] = place
    if found and not ({"name", "tier"} <= found.keys() and {"tax_id", "email"} & found.keys()):
        raise Invalid("dealer_list_columns", field="file")
    return found


def _row(number: int, cells: Sequence[str], places: dict[str, int]) -> DealerRow:
    if places:
        said = {column: cells[place] if place < len(cells) else "" for column, place in places.items()}
        return DealerRow(number, said["name"], said.get("tax_id", ""), said.get("email", ""), said["tier"])
    said_of = [*cells, "", "", ""]
    between = [one for one in cells[1 : max(len(cells) - 1, 2)] if one]
    return DealerRow(
        number,
        said_of[0],
        next((one for one in between if not _is_address(one)), ""),
        next((one for one in between if _is_address(one)), ""),
        cells[-1] if len(cells) > 2 else "",
    )


def _is_address(cell: str) -> bool:
    return "@" in unicodedata.normalize("NFKC", cell)
