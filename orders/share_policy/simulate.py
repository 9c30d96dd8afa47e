"""What a drafted share policy would have made of last quarter's sales: for every party, what it got and what it would get.

Reads only, in one statement. A line counts as when its terms were pinned: what renewed by itself as the sale that began it,
with the plan of its promoter.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from billing.shares.policy_queries import get_policy_version
from billing.shares.rules import PolicyRule, require_whole
from kernel import clock
from kernel.db.uow import UnitOfWork
from marketplace.parties.lookups import get_party
from marketplace.parties.models import PLATFORM_ORG_ID

MOST_PARTIES: Final = 200
"""Of each role and currency those whose part changes most; the sums are of all."""


@dataclass(frozen=True, slots=True)
class SimulatedParty:
    """What one party (None: all of its role) got of so many lines, and would get. Minor units of `currency`."""

    role: str
    org_id: UUID | None
    name: str
    currency: str
    lines: int
    now_minor: int
    then_minor: int

    @property
    def difference_minor(self) -> int:
        """What it would get more."""
        return self.then_minor - self.now_minor


@dataclass(frozen=True, slots=True)
class Simulation:
    """Of sales captured from `starts_on` on and before `ends_on`, where the platform keeps its calendar."""

    starts_on: date
    ends_on: date
    sums: tuple[SimulatedParty, ...]
    parties: tuple[SimulatedParty, ...]


_SIMULATED = text("""
WITH rule AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(CAST(:rules AS jsonb)) AS r(
        category text, listing_id uuid, seller_id uuid, channel_id uuid, deal_type text,
        commission_ppm bigint, promoter_ppm bigint)
), line AS MATERIALIZED (
    SELECT c.id, c.currency, c.net_minor, c.gross_minor, c.seller_org_id, c.reference FROM billing.charge c
    WHERE c.captured_at >= :starts_at AND c.captured_at < :ends_at
), was AS (
    SELECT l.id, sum(s.amount_minor) FILTER (WHERE s.kind = 'seller') AS seller_minor,
           sum(s.amount_minor) FILTER (WHERE s.kind = 'commission') AS commission_minor,
           coalesce(sum(s.amount_minor) FILTER (WHERE s.kind = 'promoter'), 0) AS promoter_minor,
           coalesce(sum(s.amount_minor) FILTER (WHERE s.kind = 'distributor'), 0) AS distributor_minor,
           coalesce(sum(s.amount_minor) FILTER (WHERE s.kind = 'service_provider'), 0) AS service_minor,
           min(s.cap_minor) AS cap_minor
    FROM line l JOIN billing.share s ON s.charge_id = l.id GROUP BY l.id
), ruled AS (
    SELECT l.*, t.promoter_org_id, t.promoter_conflict, r.commission_ppm,
           CASE WHEN t.promoter_org_id IS NULL OR t.promoter_conflict IS NOT NULL THEN 0
                ELSE least(greatest(r.promoter_ppm, coalesce(f.rate_ppm, 0)), 1000000 - r.commission_ppm) END AS promoter_ppm,
           (t.promotion ->> 'distributor_org_id')::uuid AS distributor_org_id,
           coalesce((t.promotion ->> 'distributor_ppm')::bigint, 0) AS distributor_ppm,
           (t.promotion ->> 'service_org_id')::uuid AS service_org_id,
           coalesce((t.promotion ->> 'service_ppm')::bigint, 0) AS service_ppm
    FROM line l
    JOIN orders.sale_terms t ON t.order_line_id = l.reference
    JOIN orders.order_line o ON o.id = l.reference
    JOIN marketplace.listing g ON g.id = o.listing_id
    JOIN orders.attribution a ON a.order_line_id = l.reference
    LEFT JOIN marketplace.video v ON v.id = a.video_id
    LEFT JOIN marketplace.live_session s ON s.id = a.live_session_id
    LEFT JOIN billing.promoter_plan f ON f.id = (t.promotion ->> 'plan_id')::uuid
    CROSS JOIN LATERAL (
        SELECT * FROM rule r
        WHERE r.category = g.kind AND coalesce(r.listing_id = o.listing_id, true)
          AND coalesce(r.seller_id = l.seller_org_id, true)
          AND (r.channel_id IS NULL OR r.channel_id IS NOT DISTINCT FROM coalesce(s.channel_id, v.channel_id))
          AND coalesce(r.deal_type = coalesce(t.deal_type, 'new'), true)
        ORDER BY r.listing_id IS NULL, r.seller_id IS NULL, r.channel_id IS NULL, r.deal_type IS NULL LIMIT 1) r
), split AS (
    SELECT m.*, round(m.net_minor::numeric * m.commission_ppm / 1000000) AS commission_minor FROM ruled m
), part AS (
    SELECT p.role, p.org_id, s.currency, p.was_minor, p.then_minor
    FROM split s JOIN was w ON w.id = s.id
    CROSS JOIN LATERAL (
        SELECT least(round(s.net_minor::numeric * s.promoter_ppm / 1000000), s.net_minor - s.commission_minor, w.cap_minor)
               AS minor) pr
    CROSS JOIN LATERAL (
        SELECT sum(d.minor) FILTER (WHERE d.n = 1) AS promoter_minor, sum(d.minor) FILTER (WHERE d.n = 2) AS distributor_minor,
               sum(d.minor) FILTER (WHERE d.n = 3) AS service_minor
        FROM (
            -- Largest remainder; equal ones go to the earlier party (`divide_promotion`).
            SELECT x.n, div(pr.minor * x.ppm, greatest(s.promoter_ppm, 1)) + CASE WHEN row_number() OVER (
                       ORDER BY mod(pr.minor * x.ppm, greatest(s.promoter_ppm, 1)) DESC, x.n)
                       <= pr.minor - sum(div(pr.minor * x.ppm, greatest(s.promoter_ppm, 1))) OVER () THEN 1 ELSE 0 END AS minor
            FROM (VALUES (1, s.promoter_ppm - s.distributor_ppm - s.service_ppm), (2, s.distributor_ppm), (3, s.service_ppm))
                AS x(n, ppm)
        ) d
    ) c
    CROSS JOIN LATERAL (VALUES
        ('commission', CAST(:platform AS uuid), w.commission_minor, s.commission_minor),
        ('promoter', s.promoter_org_id, w.promoter_minor, c.promoter_minor),
        ('distributor', s.distributor_org_id, w.distributor_minor, c.distributor_minor),
        ('service_provider', s.service_org_id, w.service_minor, c.service_minor),
        ('seller', s.seller_org_id, w.seller_minor, s.gross_minor - s.commission_minor - pr.minor)
    ) AS p(role, org_id, was_minor, then_minor)
    WHERE p.org_id IS NOT NULL
), summed AS (
    SELECT role, org_id, currency, grouping(org_id) AS of_all, count(*) AS lines, sum(was_minor) AS was_minor,
           sum(then_minor) AS then_minor
    FROM part GROUP BY GROUPING SETS ((role, currency, org_id), (role, currency))
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY role, currency, of_all ORDER BY abs(then_minor - was_minor) DESC, org_id) AS place
    FROM summed
)
SELECT r.role, r.org_id, coalesce(n.display_name, '') AS name, r.currency, r.lines, r.was_minor, r.then_minor
FROM ranked r LEFT JOIN marketplace.organization n ON n.id = r.org_id
WHERE r.place <= :most
ORDER BY r.role, r.currency, r.place
""")


def simulate_policy(uow: UnitOfWork, version_id: UUID) -> Simulation:
    """What the version would have made of the last whole quarter's sales. The operator's.

    Raises:
        Forbidden: `permission_missing`.
        NotFound: `share_policy_not_found`.
        Invalid: as `require_whole`.
    """
    uow.principal.require("operator.read")
    rules = get_policy_version(uow, version_id).rules
    require_whole(rules)
    zone = get_party(uow, PLATFORM_ORG_ID).time_zone
    starts_on, ends_on = last_quarter(clock.today(zone))
    found = simulate_rules(uow, rules, _midnight(starts_on, zone), _midnight(ends_on, zone))
    sums = tuple(one for one in found if one.org_id is None)
    return Simulation(starts_on, ends_on, sums, tuple(one for one in found if one.org_id is not None))


def simulate_rules(
    uow: UnitOfWork, rules: Sequence[PolicyRule], starts_at: datetime, ends_at: datetime
) -> list[SimulatedParty]:
    """The parties of what was captured in between, and the sum of each role and currency."""
    rows = uow.session.execute(
        _SIMULATED,
        {
            "rules": json.dumps([rule.stored() for rule in rules]),
            "starts_at": starts_at,
            "ends_at": ends_at,
            "platform": PLATFORM_ORG_ID,
            "most": MOST_PARTIES,
        },
    )
    return [_party(row) for row in rows]


def last_quarter(today: date) -> tuple[date, date]:
    """The first day of the last whole quarter, and the first after it. Pure."""
    ends_on = date(today.year, 3 * ((today.month - 1) // 3) + 1, 1)
    before = ends_on.year * 12 + ends_on.month - 4
    return date(before // 12, before % 12 + 1, 1), ends_on


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone))


def _party(row: Any) -> SimulatedParty:
    return SimulatedParty(
        row.role, row.org_id, row.name, row.currency.strip(), row.lines, int(row.was_minor), int(row.then_minor)
    )
