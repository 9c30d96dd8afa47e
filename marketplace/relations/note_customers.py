"""Note that an organization bought from a seller, asked it, or that one of them wrote: its customers in one row each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from kernel.db.uow import UnitOfWork

_NOTE = """
    INSERT INTO marketplace.customer AS known (seller_org_id, buyer_org_id, last_at, bought_at, bought_name, asked_at, asked_name)
    SELECT DISTINCT ON (seller_org_id, buyer_org_id) seller_org_id, buyer_org_id, $5::timestamptz,
           CASE $4::text WHEN 'bought' THEN $5::timestamptz END, CASE $4::text WHEN 'bought' THEN name END,
           CASE $4::text WHEN 'asked' THEN $5::timestamptz END, CASE $4::text WHEN 'asked' THEN name END
    FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS new(seller_org_id, buyer_org_id, name)
    ORDER BY seller_org_id, buyer_org_id
    ON CONFLICT (seller_org_id, buyer_org_id) DO UPDATE SET
        last_at = greatest(known.last_at, excluded.last_at),
        bought_name = CASE WHEN excluded.bought_at >= coalesce(known.bought_at, excluded.bought_at)
                           THEN excluded.bought_name ELSE known.bought_name END,
        bought_at = greatest(known.bought_at, excluded.bought_at),
        asked_name = CASE WHEN excluded.asked_at >= coalesce(known.asked_at, excluded.asked_at)
                          THEN excluded.asked_name ELSE known.asked_name END,
        asked_at = greatest(known.asked_at, excluded.asked_at)
"""
_WROTE = """
    UPDATE marketplace.customer SET last_at = greatest(last_at, $3::timestamptz)
    WHERE seller_org_id = $1 AND buyer_org_id = $2
"""


class KnownCustomer(NamedTuple):
    """Between whom something happened. `name`: what the buying organization was called then."""

    seller_org_id: UUID
    buyer_org_id: UUID
    name: str


def note_customers(
    uow: UnitOfWork, parties: Sequence[KnownCustomer], act: Literal["bought", "asked"], at: datetime
) -> None:
    """They bought, or asked, at `at`. One statement, sent with the commit: sales to one buyer hardly wait for each other.

    Locks: the rows, by seller, last of all. Idempotent by the instant: an older one changes nothing.
    """
    if parties:
        sellers, buyers, names = (list(column) for column in zip(*parties, strict=True))
        uow.execute_deferred(_NOTE, (sellers, buyers, names, act, at))


def note_message(uow: UnitOfWork, seller_org_id: UUID, buyer_org_id: UUID, at: datetime) -> None:
    """One of them wrote to the other about a request that is known. Locks: the row. Idempotent by the instant."""
    uow.ask(_WROTE, (seller_org_id, buyer_org_id, at))
