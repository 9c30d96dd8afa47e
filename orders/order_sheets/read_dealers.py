"""Reading a list of dealers at arm's length, as an order sheet is read."""

from __future__ import annotations

from marketplace.relations.dealer_rows import DealerRow
from orders.order_sheets.parse_dealers import DEALERS
from orders.order_sheets.read_sheet import read_lines


def read_dealers(content: bytes) -> list[DealerRow]:
    """The lines of a file, or of what was pasted. Called while no transaction is open.

    Raises as `read_sheet`, `parse_dealers`.
    """
    return read_lines(content, DealerRow, DEALERS)
