"""The heads of the hash chain, signed and kept where the database's owner does not write: a file that only grows, a mailbox.

Whoever can rewrite the whole ledger can also seal it anew. They cannot make the file say what it did not say, so `market verify`
holds the chain against it. Copy the file to where nobody who administers the database gets at it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select

from billing.ledger.models import LedgerSeal
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import sweep
from kernel.signing import BadToken, TokenSigner
from marketplace.mail.queue_mail import NewMail, queue_mail
from marketplace.parties.lookups import get_party
from marketplace.parties.models import PLATFORM_ORG_ID

PURPOSE: Final = "ledger-head"
MAIL: Final = "ledger_head"
BOOKS: Final = "/operator/books"
"""Where its reader sees the books."""
KEEP_HEADS: Final = "billing.ledger.keep_heads"
_NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Head:
    """A seal as it was when it was written down. `genuine`: the line is as it was signed."""

    number: int
    hash: str
    genuine: bool = True


class HeadsFile:
    """One signed line for each seal, in order. Lines are added, none is changed."""

    def __init__(self, path: Path, signer: TokenSigner) -> None:
        self._path = path
        self._signer = signer

    def read(self) -> Iterator[Head]:
        """Every line. One that cannot be read, or says other than it was signed for, is not genuine."""
        if not self._path.exists():
            return
        with self._path.open(encoding="utf-8") as lines:
            for line in lines:
                yield self._head(line)

    def last_number(self) -> int:
        """Of the last genuine line; 0 before the first."""
        return max((head.number for head in self.read() if head.genuine), default=0)

    def append(self, seals: Iterable[tuple[int, str, str, int]]) -> None:
        """Add lines: number, hash, day and number of transactions of each seal."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as lines:
            for seal in seals:
                lines.write(signed_line(self._signer, *seal) + "\n")

    def _head(self, line: str) -> Head:
        said: dict[str, Any] = {}
        try:
            said = json.loads(line)
            signed = self._signer.open_token(PURPOSE, said.pop("signature"))
            return Head(int(said["number"]), str(said["hash"]), signed == said)
        except (ValueError, KeyError, TypeError, AttributeError, BadToken):
            number = said.get("number", 0) if isinstance(said, dict) else 0
            return Head(number if isinstance(number, int) else 0, "", genuine=False)


def signed_line(signer: TokenSigner, number: int, digest: str, day: str, transactions: int) -> str:
    """A head as one line that says by whom it was written."""
    said = {"number": number, "hash": digest, "sealed_on": day, "transactions": transactions}
    return json.dumps(said | {"signature": signer.sign_token(PURPOSE, said, _NEVER)})


@dataclass(frozen=True, slots=True)
class HeadsMailbox:
    """Who is mailed each head as it is made."""

    address: str
    signer: TokenSigner

    def tell(self, uow: UnitOfWork) -> None:
        """Mail the newest head, in the transaction that made it."""
        queue_mail(uow, self.newest(uow))

    def newest(self, uow: UnitOfWork) -> NewMail:
        """The mail about the newest head. A line of it is a line of the file, word by word."""
        seal = uow.session.scalars(select(LedgerSeal).order_by(LedgerSeal.number.desc()).limit(1)).one()
        day = seal.sealed_on.isoformat()
        params = {
            "number": str(seal.number),
            "day": day,
            "path": BOOKS,
            "line": signed_line(self.signer, seal.number, seal.hash, day, seal.transactions),
        }
        return NewMail(self.address, MAIL, get_party(uow, PLATFORM_ORG_ID).locale, params)


def keep_heads(transact: Transact, kept: HeadsFile) -> int:
    """Write down the seals that the file does not have yet; returns how many. The file is written outside any transaction."""
    last = kept.last_number()

    def read(uow: UnitOfWork) -> list[tuple[int, str, str, int]]:
        seals = uow.session.scalars(select(LedgerSeal).where(LedgerSeal.number > last).order_by(LedgerSeal.number))
        return [(seal.number, seal.hash, seal.sealed_on.isoformat(), seal.transactions) for seal in seals]

    new = transact(read)
    if new:
        kept.append(new)
    return len(new)


def register(kept: HeadsFile | None) -> None:
    """Register the sweep, where a file is named."""

    @sweep(KEEP_HEADS, every=timedelta(hours=1))
    def keep(transact: Transact) -> None:
        if kept is not None:
            keep_heads(transact, kept)
