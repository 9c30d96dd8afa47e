"""A month of 100,000 lines closed: the statements of its sellers, and then the month of the books itself."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import partial

from bench.books import books, organization, write
from bench.options import Options
from bench.report import Method, Report
from bench.settled_sales import make_sales
from bench.stack import connect_superuser
from billing.accounting_periods.close_period import close_period
from billing.settlement.close_statements import CloseStatements, close_statements
from kernel import clock
from kernel.db.uow import transact
from kernel.principal import SYSTEM

LINES, SELLERS = 100_000, 100
GOAL_S = 60.0
METHOD = Method(
    f"{LINES:,} sold lines of a month are made set-based, of {SELLERS} sellers, of whom one has a tenth of them all, on "
    "real PostgreSQL with durable commits. Then the product's verb closes every seller's statement (lines, states with their "
    "histories, commission invoice, reconciliation with the ledger), one after another in this process, and the month of the "
    "books is closed with the balance of every account. The figure is the sum of both.",
    f"以集合方式生成当月 {LINES:,} 行已售明细，分属 {SELLERS} 个卖方（其中一个独占十分之一），真实 PostgreSQL，持久提交；"
    "再由产品的动词在本进程内逐一关闭各卖方结算单（明细、状态及历史、佣金发票、与总账核对），"
    "并结账该月、登记每个账户的余额。数值为两者之和。",
)


def measure(options: Options) -> Report:
    """Measure on books of its own."""
    lines = min(options.rows, LINES)
    month = datetime(2026, 9, 30, 16, tzinfo=UTC)
    with books() as made, connect_superuser(made.admin_url) as connection:
        buyer = organization("买方")
        sellers = [organization(f"卖方{number}", is_seller=True) for number in range(SELLERS)]
        write(made.db, buyer, *sellers)
        many = [sellers[0].id] * (SELLERS // 9) + [one.id for one in sellers[1:]]
        make_sales(connection, buyer.id, many, lines, at=month.isoformat())
        with clock.frozen(month + timedelta(days=45)):
            own = partial(transact, made.db, SYSTEM)
            begun_s = time.monotonic()
            closed = close_statements(own, CloseStatements(month + timedelta(days=31)))
            statements_s = time.monotonic() - begun_s
            begun_s = time.monotonic()
            close_period(own, month.date().replace(month=10, day=1))
            period_s = time.monotonic() - begun_s
        row = connection.execute(
            "SELECT count(*), max(lines) FROM (SELECT count(*) AS lines FROM billing.statement_line"
            " GROUP BY statement_id) s"
        ).fetchone()
        settled = connection.execute("SELECT count(*) FROM billing.statement_line").fetchone()
    assert row is not None  # noqa: S101 - counts have a row
    assert settled is not None  # noqa: S101 - (same)
    total_s = statements_s + period_s
    broken = [f"refused: {one.error.code}" for one in closed.refused]
    broken += [f"{settled[0]} of {lines} lines were settled"] if settled[0] != lines else []
    broken += [f"{total_s:.1f} s, at most {GOAL_S:.0f} s are wanted"] if total_s > GOAL_S else []
    return Report(
        name="settle",
        value=total_s,
        unit="s",
        method=METHOD,
        details={
            "statements": row[0],
            "lines": settled[0],
            "lines_of_the_longest": row[1],
            "statements_s": round(statements_s, 1),
            "accounting_period_s": round(period_s, 1),
            "lines_per_s": round(settled[0] / statements_s, 1),
        },
        broken=broken,
    )
