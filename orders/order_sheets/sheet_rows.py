"""Lines of an order sheet as they were written, and what is wrong with one. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal
from uuid import UUID

from marketplace.pricing.shapes import MAX_SEATS

MOST_BYTES = 5_000_000
MOST_ROWS = 5_000
MOST_CELL = 200
"""Characters of a cell; what is longer is cut, and wrong where it is a code or a number."""
Column = Literal["code", "quantity", "note", "end_customer"]
_WHOLE = re.compile(r"([0-9]{1,7})(?:\.0{1,6})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A line: its number in the file, what was written in its cells, and whether it is left out by choice."""

    number: int
    code: str
    quantity: str
    note: str = ""
    left_out: bool = False
    plan_id: str | None = None
    """Of an ordered sheet, what the line ordered."""
    end_customer: str = ""
    """For whom a dealer orders it, as it was written; empty: for the buyer itself."""

    @property
    def key(self) -> str:
        """Its code as codes are compared: full-width letters, case and the spaces around a slash do not matter."""
        return code_key(self.code)

    @property
    def whole(self) -> int | None:
        """Its quantity; None where it is no whole number from 1 on that anything is sold in."""
        found = _WHOLE.fullmatch(unicodedata.normalize("NFKC", self.quantity).strip())
        number = int(found.group(1)) if found else 0
        return number if 1 <= number <= MAX_SEATS else None

    def stored(self) -> dict[str, Any]:
        """As the sheet keeps it."""
        said = {name: value for name, value in asdict(self).items() if value not in (False, None)}
        if not self.end_customer:
            del said["end_customer"]
        return said


def code_key(code: str) -> str:
    """A code as codes are compared."""
    plain = unicodedata.normalize("NFKC", code).strip().casefold()
    return re.sub(r"\s*/\s*", "/", plain)


def name_key(name: str) -> str:
    """A name as names are compared: full-width letters, case and spaces at its ends do not matter."""
    return " ".join(unicodedata.normalize("NFKC", name).split()).casefold()


def rows_of(stored: Sequence[dict[str, Any]]) -> list[SheetRow]:
    """What a sheet keeps."""
    return [SheetRow(**one) for one in stored]


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong in one column of a line: the code of an error and its parameters."""

    column: Column
    code: str
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RowChange:
    """Other words for a line; what is None stays."""

    number: int
    code: str | None = None
    quantity: str | None = None
    note: str | None = None
    left_out: bool | None = None
    end_customer: str | None = None


def changed_row(row: SheetRow, change: RowChange) -> SheetRow:
    """The line with these words."""
    said = {name: getattr(change, name) for name in ("code", "quantity", "note", "left_out", "end_customer")}
    return replace(row, **{name: value for name, value in said.items() if value is not None})


def ordered_plan(row: SheetRow, plan_id: UUID) -> SheetRow:
    """The line with what it ordered."""
    return replace(row, plan_id=str(plan_id))
