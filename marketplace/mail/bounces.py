"""Addresses whose mail was refused for good: marked until a mail to them is taken again, so that a person sees and mends it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from kernel import clock
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from marketplace.mail.models import BouncingAddress

Reason = Literal["address_unknown", "mailbox_full", "mailbox_off", "against_policy", "mail_refused"]
MOST_LISTED: Final = 50
_ENHANCED: Final = re.compile(r"\b5\.(\d{1,3})\.(\d{1,3})\b")
_BASIC: Final[dict[str, Reason]] = {
    "550": "address_unknown",
    "551": "address_unknown",
    "552": "mailbox_full",
    "553": "address_unknown",
}


@dataclass(frozen=True, slots=True)
class Bounce:
    """An address that takes no mail at present. `reply` is what its server said last."""

    email: str
    reason: Reason
    reply: str
    kind: str
    """What the last refused mail was about."""
    refusals: int
    since_at: datetime
    last_at: datetime


def reason_of(reply: str) -> Reason:
    """A refusal's reply in a word: by its enhanced status code (RFC 3463 §3), else by the reply code (RFC 5321 §4.2.3)."""
    found = _ENHANCED.search(reply)
    if found is None:
        return _BASIC.get(reply[:3], "mail_refused")
    subject, detail = found.groups()
    if subject == "1":
        return "address_unknown"
    if subject == "2":
        return {"1": "mailbox_off", "2": "mailbox_full"}.get(detail, "mail_refused")  # type: ignore[return-value]  # of these
    return "against_policy" if subject == "7" else "mail_refused"


def mark_bouncing(uow: UnitOfWork, email: str, kind: str, reply: str) -> None:
    """A mail to the address was refused for good. The unit of work is the platform's own."""
    now, said = clock.now(), {"reason": reason_of(reply), "reply": reply, "kind": kind}
    marked = insert(BouncingAddress).values(email=email.lower(), refusals=1, since_at=now, last_at=now, **said)
    again = {"refusals": BouncingAddress.refusals + 1, "last_at": now, **said}
    uow.session.execute(marked.on_conflict_do_update(index_elements=["email"], set_=again))


def unmark_bouncing(uow: UnitOfWork, email: str) -> None:
    """A mail to the address was taken. The unit of work is the platform's own."""
    uow.execute_deferred("DELETE FROM marketplace.bouncing_address WHERE email = $1", (email.lower(),))


def find_bounces(uow: UnitOfWork, emails: Collection[str]) -> dict[str, Bounce]:
    """Which of these addresses take no mail at present."""
    if not emails:
        return {}
    with as_platform(uow):
        rows = uow.session.scalars(select(BouncingAddress).where(BouncingAddress.email.in_(emails)))
        return {row.email: _bounce(row) for row in rows}


def list_bounces(uow: UnitOfWork) -> list[Bounce]:
    """The addresses that take no mail at present, the latest first, for the operator."""
    newest = select(BouncingAddress).order_by(BouncingAddress.last_at.desc(), BouncingAddress.email).limit(MOST_LISTED)
    return [_bounce(row) for row in uow.session.scalars(newest)]


def _bounce(row: BouncingAddress) -> Bounce:
    reason: Reason = row.reason  # type: ignore[assignment]  # the CHECK knows the same ones
    return Bounce(row.email, reason, row.reply, row.kind, row.refusals, row.since_at, row.last_at)
