"""The reconciliation of 10⁶ rows, and a cent planted in it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import partial

from bench.books import books, organization, write
from bench.options import Options
from bench.report import Method, Report
from bench.settled_sales import ROWS_A_SALE, make_sales
from bench.stack import connect_superuser
from billing.reconciliation.legs import GATEWAY, LEDGER, legs
from billing.reconciliation.reconcile import reconcile_leg
from kernel import clock
from kernel.db.uow import transact
from kernel.principal import SYSTEM
from orders.invoicing import documents_leg

SELLERS = 100
METHOD = Method(
    "Sales are made set-based until payments, operations of the gateway, charges, shares, documents, facts and postings have 10⁶ "
    "rows together (another number with --rows), on real PostgreSQL. Then every leg is compared from end to end by the product's "
    "verb as the sweep does it: payments with the sandbox gateway's own books, rows with the ledger, charges with documents, "
    "shares with statements. Then a cent is planted at the gateway and one in the ledger, and both are looked for.",
    "以集合方式生成销售数据，直至付款、渠道流水、扣费、分成、总账与分录共 10⁶ 行（可用 --rows 更改），真实 PostgreSQL；"
    "再由产品的动词按定时任务的方式逐项全量核对：付款与沙盒渠道账、记录与总账、扣费与单据、分成与结算单。"
    "随后在渠道与总账各植入一分钱，检验能否查出。",
)

REGISTERED = documents_leg
"""Imported for the leg that it registers."""


def measure(options: Options) -> Report:
    """Measure on books of its own."""
    sales = max(1, options.rows // ROWS_A_SALE)
    month = datetime(2026, 9, 30, 16, tzinfo=UTC)
    with books() as made, connect_superuser(made.admin_url) as connection:
        buyer = organization("买方")
        sellers = [organization(f"卖方{number}", is_seller=True) for number in range(SELLERS)]
        write(made.db, buyer, *sellers)
        make_sales(connection, buyer.id, [one.id for one in sellers], sales, at=month.isoformat())
        with clock.frozen(month + timedelta(days=10)):
            own = partial(transact, made.db, SYSTEM)
            seconds, keys, differing = {}, {}, {}
            for leg in legs():
                begun_s = time.monotonic()
                run = own(partial(reconcile_leg, leg=leg))
                seconds[leg.name] = round(time.monotonic() - begun_s, 2)
                keys[leg.name], differing[leg.name] = run.compared, run.differing
        rows = connection.execute(
            """SELECT sum(n) FROM (
                   SELECT count(*) AS n FROM billing.payment UNION ALL SELECT count(*) FROM billing.sandbox_operation
                   UNION ALL SELECT count(*) FROM billing.payment_allocation UNION ALL SELECT count(*) FROM billing.charge
                   UNION ALL SELECT count(*) FROM billing.share UNION ALL SELECT count(*) FROM billing.ledger_transaction
                   UNION ALL SELECT count(*) FROM billing.posting UNION ALL SELECT count(*) FROM billing.invoice
                   UNION ALL SELECT count(*) FROM billing.invoice_line) c"""
        ).fetchone()
        with connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica")
            connection.execute(
                "UPDATE billing.sandbox_operation SET amount_minor = amount_minor + 1 WHERE reference = 'sbx_pay_7'"
            )
            connection.execute(
                """UPDATE billing.posting SET amount_minor = amount_minor + 1
                   WHERE id = (SELECT id FROM billing.posting ORDER BY id LIMIT 1)"""
            )
        with clock.frozen(month + timedelta(days=11)):
            begun_s = time.monotonic()
            found = {leg.name: own(partial(reconcile_leg, leg=leg)).differing for leg in (GATEWAY, LEDGER)}
            planted_s = time.monotonic() - begun_s
    assert rows is not None  # noqa: S101 - counts have a row
    broken = [f"{name}: {count} differ" for name, count in differing.items() if count]
    broken += [f"{name}: the planted cent was not found" for name, count in found.items() if not count]
    total_s = sum(seconds.values())
    return Report(
        name="reconcile",
        value=total_s,
        unit="s",
        method=METHOD,
        details={
            "rows": int(rows[0]),
            "keys": keys,
            "seconds": seconds,
            "rows_per_s": round(int(rows[0]) / total_s),
            "with_two_planted_cents_s": round(planted_s, 2),
        },
        broken=broken,
    )
