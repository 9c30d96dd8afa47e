"""How many mails an address may be sent on somebody's asking, and how many one network may ask for."""

from __future__ import annotations

from datetime import timedelta

from kernel.db.uow import UnitOfWork
from marketplace.access.counted_limits import Limit, count_within

TO_ADDRESS = Limit(5, timedelta(hours=1))
"""Enough for who mistyped and lost one; too few to flood somebody else's mailbox."""
FROM_NETWORK = Limit(30, timedelta(hours=1))
"""Wider: an office or a mobile network shares one address."""


def count_mail(uow: UnitOfWork, email: str, network_address: str | None) -> None:
    """Count a mail that somebody asks for.

    Raises:
        TooMany: `mails_too_often` with `retry_after_s` and `minutes`.
    """
    count_within(uow, TO_ADDRESS, "mails_too_often", "mail", email)
    if network_address is not None:
        count_within(uow, FROM_NETWORK, "mails_too_often", "mail_network", network_address)
