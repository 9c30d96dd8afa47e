"""Lines of a list of dealers as they were written, and what is wrong with one. Pure; a reader of files loads nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

MOST_ROWS = 3_000
MOST_NAME = 80
MOST_CELL = 200
"""Characters of a cell; what is longer is cut, and wrong where it names somebody."""
Column = Literal["name", "tax_id", "email", "tier"]


@dataclass(frozen=True, slots=True)
class DealerRow:
    """A line: its number in the file, what was written in its cells, and whether it is left out by choice."""

    number: int
    name: str
    tax_id: str = ""
    email: str = ""
    tier: str = ""
    left_out: bool = False

    def stored(self) -> dict[str, Any]:
        """As the list keeps it."""
        return {name: value for name, value in asdict(self).items() if value not in (False, "")} | {"name": self.name}


def dealer_rows_of(stored: Sequence[dict[str, Any]]) -> list[DealerRow]:
    """What a list keeps."""
    return [DealerRow(**one) for one in stored]


@dataclass(frozen=True, slots=True)
class DealerFault:
    """What is wrong in one column of a line: the code of an error and its parameters."""

    column: Column
    code: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DealerChange:
    """Other words for a line; what is None stays."""

    number: int
    name: str | None = None
    tax_id: str | None = None
    email: str | None = None
    tier: str | None = None
    left_out: bool | None = None


def changed_dealer(row: DealerRow, change: DealerChange) -> DealerRow:
    """The line with these words."""
    said = {name: getattr(change, name) for name in ("name", "tax_id", "email", "tier", "left_out")}
    return replace(row, **{name: value for name, value in said.items() if value is not None})
