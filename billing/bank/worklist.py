"""What is to be sent, as a file for whoever sends it at the bank."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from billing.bank.queries import OutgoingView
from kernel.money import to_decimal

HEAD = ("account", "kind", "payee_name", "payee_account", "amount", "currency", "remark", "asked_on")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def worklist_csv(items: Sequence[OutgoingView]) -> bytes:
    """One row an item, in UTF-8 with a mark for spreadsheet programs; no cell is a formula there."""
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(HEAD)
    for one in items:
        cells = (
            one.account_code,
            one.kind,
            one.payee_name,
            one.payee_account,
            str(to_decimal(one.amount_minor, one.currency)),
            one.currency,
            one.remark_code,
            one.created_at.date().isoformat(),
        )
        table.writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])
    return written.getvalue().encode("utf-8-sig")
