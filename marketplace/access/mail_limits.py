"""How many mails an address may be sent on somebody's asking; how many one network may ask for, and how often bring back."""

from __future__ import annotations

from datetime import timedelta

from kernel.db.uow import UnitOfWork
from marketplace.access.counted_limits import Limit, count_within

TO_ADDRESS = Limit(5, timedelta(hours=1))
"""Enough for who mistyped and lost one; too few to flood somebody else's mailbox."""
FROM_NETWORK = Limit(30, timedelta(hours=1))
"""Wider: an office or a mobile network shares one address."""
BROUGHT_BACK = Limit(60, timedelta(minutes=15))
"""Codes and links of one network: each costs a signature, some a password's hash. An office shares one address here, too."""


def count_mail(uow: UnitOfWork, email: str, network_address: str | None) -> None:
    """Count a mail that somebody asks for.

    Raises:
        TooMany: `mails_too_often` with `retry_after_s` and `minutes`.
    """
    count_within(uow, TO_ADDRESS, "mails_too_often", "mail", email)
    if network_address is not None:
        count_within(uow, FROM_NETWORK, "mails_too_often", "mail_network", network_address)


def count_brought_back(uow: UnitOfWork, network_address: str | None) -> None:
    """Count a code or a link of a mail that somebody unknown brings back, right or wrong.

    To be committed before it is looked at. Raises: TooMany `links_too_often` with `retry_after_s` and `minutes`.
    """
    if network_address is not None:
        count_within(uow, BROUGHT_BACK, "links_too_often", "link_network", network_address)
