"""What an accounting program calls a kind of account: read, and said otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from sqlalchemy import select

from billing.journal_export.models import FORMATS, AccountCode
from billing.ledger.post import AccountKind
from kernel import audit, clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from kernel.text import plain_text

KINDS: tuple[str, ...] = get_args(AccountKind)
LONGEST_CODE, LONGEST_NAME = 20, 60


@dataclass(frozen=True, slots=True)
class SetAccountCode:
    """`format` and `kind` say which; the code is the program's account number, or for QuickBooks its name."""

    format: str
    kind: str
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class AccountCodeRow:
    """A number that is set; "" of a kind that has none yet."""

    format: str
    kind: str
    code: str
    name: str


def list_account_codes(uow: UnitOfWork) -> list[AccountCodeRow]:
    """Of every format and kind of account. Raises: Forbidden `permission_missing` without operator.read."""
    uow.principal.require("operator.read")
    known = {(row.format, row.kind): row for row in uow.session.scalars(select(AccountCode))}
    found = []
    for name in FORMATS:
        for kind in KINDS:
            row = known.get((name, kind))
            found.append(AccountCodeRow(name, kind, row.code if row else "", row.name if row else ""))
    return found


def set_account_code(uow: UnitOfWork, command: SetAccountCode) -> AccountCodeRow:
    """Say which number and name a kind of account has in a format; exports made from then on have it.

    Raises:
        Forbidden: `permission_missing` without operator.payouts.
        Invalid: `account_code_invalid`: no such format or kind, empty, too long, or with what ends a cell.

    Idempotent by: the format and kind.
    """
    uow.principal.require("operator.payouts")
    code, name = plain_text(command.code), plain_text(command.name)
    if command.format not in FORMATS or command.kind not in KINDS:
        raise Invalid("account_code_invalid", field="kind")
    for field, value, most in (("code", code, LONGEST_CODE), ("name", name, LONGEST_NAME)):
        if not value or len(value) > most or ";" in value or '"' in value:
            raise Invalid("account_code_invalid", field=field)
    if command.format == "datev" and not code.isdecimal():
        raise Invalid("account_code_invalid", field="code")
    row = uow.session.get(AccountCode, (command.format, command.kind), with_for_update=True)
    if row is None:
        row = AccountCode(format=command.format, kind=command.kind)
        uow.session.add(row)
    row.code, row.name = code, name
    row.changed_at, row.changed_by = clock.now(), str(uow.principal.person_id or uow.principal.label)
    audit.record(uow, "books.account_code_set", format=command.format, kind=command.kind, code=code)
    uow.flush()
    return AccountCodeRow(command.format, command.kind, code, name)
