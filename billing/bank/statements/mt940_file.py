"""Statements as SWIFT MT940, read by the library mt-940; several messages of one account in a file are one statement."""

from __future__ import annotations

import io
import logging
import re
from decimal import Decimal
from typing import Any

import mt940

from billing.bank.statements.csv_file import decode
from billing.bank.statements.model import FileFault, FileLine, StatementFile, is_currency, to_minor

_BALANCE = re.compile(r"^:(60|62)[FM]:([CD])\d{6}([A-Z]{3})([\d,]+)\s*$")
_ENTRY = ":61:"
_NO_REFERENCE = {"", "NONREF"}
# What it cannot read it tells twice: by an exception as well.
logging.getLogger("mt940").setLevel(logging.CRITICAL)


def read_mt940(content: bytes) -> StatementFile:
    """Read a file. A broken entry is a fault of its line; never raises."""
    found = StatementFile("mt940")
    text = decode(content)
    if text is None:
        found.faults.append(FileFault(0, "encoding_unknown"))
        return found
    text = text.replace("\r\n", "\n")
    places = _look_ahead(found, text)
    if found.faults:
        return found
    try:
        parsed = mt940.parse(io.StringIO(text), options=mt940.Options(applicant_iban=True))
    except Exception as error:  # noqa: BLE001 - the library raises RuntimeError, KeyError, ValueError and more for what it cannot read
        found.faults.append(FileFault(0, "line_broken", type(error).__name__))
        return found
    if len(parsed.transactions) != len(places):
        found.faults.append(FileFault(0, "line_broken", f"{len(parsed.transactions)} / {len(places)}"))
        return found
    for number, entry in zip(places, parsed.transactions, strict=True):
        _read_entry(found, number, entry.data)
    found.require_sum()
    return found


def _look_ahead(found: StatementFile, text: str) -> list[int]:
    """Account, currency and balances; and the lines on which entries stand, each of which the library can read."""
    places = []
    closing: int | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith(":25:"):
            number_read = re.sub(r"\s", "", line[4:]).rsplit("/", 1)[-1]
            if found.account_number not in {"", number_read}:
                found.faults.append(FileFault(number, "account_differs", number_read[:40]))
            found.account_number = number_read
        elif line.startswith((":60", ":62")):
            closing = _balance(found, number, line, closing)
        elif line.startswith(_ENTRY):
            places.append(number)
            try:
                mt940.tags.Statement().parse(mt940.models.Transactions(), line[len(_ENTRY) :])
            except RuntimeError:
                found.faults.append(FileFault(number, "line_broken", line[:40]))
    found.closing_minor = closing
    if not found.currency:
        found.faults.append(FileFault(0, "columns_unknown"))
    return places


def _balance(found: StatementFile, number: int, line: str, closing: int | None) -> int | None:
    match = _BALANCE.match(line)
    if match is None:
        found.faults.append(FileFault(number, "line_broken", line[:40]))
        return closing
    if not is_currency(match[3]) or found.currency not in {"", match[3]}:
        found.faults.append(FileFault(number, "currency_unknown", match[3]))
        return closing
    found.currency = match[3]
    try:
        minor = to_minor(match[4].replace(",", "."), found.currency) * (1 if match[2] == "C" else -1)
    except ValueError:
        found.faults.append(FileFault(number, "amount_broken", match[4][:40]))
        return closing
    if match[1] == "62":
        return minor
    if closing is not None and closing != minor:
        found.faults.append(FileFault(number, "sum_differs", match[4][:40]))
    if found.opening_minor is None:
        found.opening_minor = minor
    return closing


def _read_entry(found: StatementFile, number: int, data: dict[str, Any]) -> None:
    value: Decimal = abs(data["amount"].amount)
    try:
        minor = to_minor(str(value), found.currency)
    except ValueError:
        found.faults.append(FileFault(number, "amount_broken", str(value)[:40]))
        return
    if minor == 0:
        found.faults.append(FileFault(number, "amount_broken", "0"))
        return
    # What takes a credit back goes out, what takes a debit back comes in.
    sign = 1 if data["status"] in {"C", "RD"} else -1
    day = data.get("entry_date") or data["date"]
    references = (data.get("bank_reference") or "", data.get("customer_reference") or "")
    remark = [
        data.get(name) or "" for name in ("transaction_details", "purpose", "additional_purpose", "extra_details")
    ]
    found.lines.append(
        FileLine(
            line=number,
            booked_on=day,
            amount_minor=sign * minor,
            currency=found.currency,
            counterparty_name=(data.get("applicant_name") or "")[:200],
            counterparty_account=(data.get("applicant_iban") or "")[:64],
            remark=" ".join(part for part in (*remark, *references[1:]) if part and part not in _NO_REFERENCE)[:500],
            bank_reference=next((one for one in references if one not in _NO_REFERENCE), "")[:100],
        )
    )
