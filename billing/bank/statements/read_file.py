"""A bank's file, whatever format it is in."""

from __future__ import annotations

from billing.bank.statements.camt053_file import read_camt053
from billing.bank.statements.csv_file import read_csv
from billing.bank.statements.model import FileFault, StatementFile
from billing.bank.statements.mt940_file import read_mt940

MOST_BYTES = 20_000_000
_SHORTEST_ACCOUNT = 5


def read_statement_file(content: bytes, *, account_number: str, currency: str) -> StatementFile:
    """Read a file of the account. Whatever is wrong with it is a fault; never raises.

    XML is camt.053; what has a tag `:61:` or `:60F:` is MT940; anything else is taken for CSV. A file that names another
    account, or another currency, is refused.
    """
    start = content.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        return StatementFile("csv", faults=[FileFault(0, "file_empty")])
    if len(content) > MOST_BYTES:
        return StatementFile("csv", faults=[FileFault(0, "too_many_lines")])
    if start.startswith(b"<"):
        found = read_camt053(content)
    elif b":60F:" in content or b":60M:" in content or b"\n:61:" in content:
        found = read_mt940(content)
    else:
        found = read_csv(content, currency)
    if found.currency and found.currency != currency:
        found.faults.append(FileFault(0, "currency_unknown", found.currency))
    if found.account_number and not _same_account(found.account_number, account_number):
        found.faults.append(FileFault(0, "account_differs", found.account_number[:40]))
    if not found.lines and not found.faults and found.closing_minor is None:
        found.faults.append(FileFault(0, "file_empty"))
    return found


def _same_account(read: str, own: str) -> bool:
    """A bank may leave out what an IBAN has before the number; of less than five signs nobody knows which account they end."""
    plain_read, plain_own = (value.replace(" ", "").replace("-", "").upper() for value in (read, own))
    if len(plain_read) < _SHORTEST_ACCOUNT:
        return plain_read == plain_own
    return plain_own.endswith(plain_read) or plain_read.endswith(plain_own)
