"""What a leg of the reconciliation is: two ways to say the same amounts, each a SELECT, compared key by key."""

from __future__ import annotations

from dataclasses import dataclass

MOST = 1_000
"""Differences of one leg that one run records. Where there are more, something is wrong with all of them at once."""


@dataclass(frozen=True, slots=True)
class ReconciliationLeg:
    """`expected` and `found` are SELECTs of (kind, subject, currency, minor): text, text, text, integer of minor units.

    Rows of the same key are added up. A key that one side does not have counts there as nothing; a sum of zero is the same as
    nothing. Whatever lies outside (a bank's file, a gateway's list of movements) is first stored as rows by its owner: a leg asks
    nobody, so that it can be compared at any time and again. `moving` is an SQL condition on `k.subject` for keys that are about
    to change and are left for the next run; keys that are named in the payload of waiting work are so by themselves. Both may
    use `:settled`, an instant some minutes ago, and `:now`.
    """

    name: str
    expected: str
    found: str
    moving: str = "false"

    def sql(self) -> str:
        """One statement, so that both sides are of one moment: what differs, then the number of keys of each kind."""
        return f"""
        WITH expected AS MATERIALIZED (
            SELECT kind, subject, currency, sum(minor)::bigint AS minor FROM ({self.expected}) e GROUP BY 1, 2, 3
        ), found AS MATERIALIZED (
            SELECT kind, subject, currency, sum(minor)::bigint AS minor FROM ({self.found}) f GROUP BY 1, 2, 3
        ), k AS MATERIALIZED (
            SELECT kind, subject, currency, e.minor AS expected_minor, f.minor AS found_minor
            FROM expected e FULL JOIN found f USING (kind, subject, currency)
        ), differing AS MATERIALIZED (
            SELECT * FROM k WHERE coalesce(k.expected_minor, 0) <> coalesce(k.found_minor, 0) AND NOT ({self.moving})
                AND NOT EXISTS (SELECT 1 FROM kernel.job j WHERE j.state IN ('ready', 'running')
                                AND strpos(j.payload::text, k.subject) > 0)
        )
        (SELECT kind, subject, currency, expected_minor, found_minor, (SELECT count(*) FROM differing) AS keys
         FROM differing ORDER BY kind, subject, currency LIMIT {MOST})
        UNION ALL
        SELECT kind, NULL, NULL, NULL, NULL, count(*) FROM k GROUP BY kind
        """  # noqa: S608 - the pieces are constants of the legs
