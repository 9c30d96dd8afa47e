"""The ledger: facts posted, held against the same rows by bare SQL; the balance rules and the daily seal over them."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

import psycopg

from app.verify.check import snapshot
from app.verify.ledger import BALANCED, COMPLETE
from bench.books import Books, books, organization, write
from bench.options import Options
from bench.report import Method, Report
from bench.stack import connect_superuser
from billing.ledger.post import Fact, Leg, post
from billing.ledger.queries import balance_minor
from billing.ledger.seal import seal_day
from kernel import clock
from kernel.db.uow import Database, unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.parties.models import PLATFORM_ORG_ID

SECONDS, ROUNDS = 3.0, 2
BATCH = 100
LEGS = 3
METHOD = Method(
    "One thread in this process, durable commits, real PostgreSQL. A fact of three legs (the buyer's credit to the seller's "
    "pending money and the platform's commission) is posted by the product's verb, one to a transaction, then 100 to a "
    "transaction; bare SQL inserts the same four rows with the same commits into tables of the same columns, defaults and "
    "indexes without triggers or foreign keys. In turns of 3 s, twice. Then, over all that was posted: the two balance rules of "
    "`market verify`, one account's balance, and the day's seal. Ratio: facts over bare SQL with 100 to a transaction.",
    "本进程单线程，持久提交，真实 PostgreSQL。用产品的动词登记三个分录的事实（"
    "买方余额转入卖方待结算款与平台佣金），先每事务一笔，"
    "再每事务 100 笔；裸 SQL 以同样的提交次数向列、默认值与索引相同但无触发器与外键的表插入同样四行。"
    "两者交替，各 3 秒，共两轮。"
    "随后对全部数据执行 `market verify` 的两条平衡规则、单个账户余额与当日封存。"
    "比值为每事务 100 笔时事实数与裸 SQL 之比。",
)


def measure(_options: Options) -> Report:
    """Measure on books of its own."""
    with books() as made, connect_superuser(made.admin_url) as connection:
        buyer, seller = organization("买方"), organization("卖方", is_seller=True)
        write(made.db, buyer, seller)
        parties = buyer.id, seller.id
        _make_bare_tables(connection)
        account = _posted(made.db, parties, 1)
        rates: dict[str, list[float]] = {}
        for _ in range(ROUNDS):
            for size in (1, BATCH):
                found = rates.setdefault(f"facts_per_s_{size}_a_transaction", [])
                found.append(_rate(lambda size=size: _posted(made.db, parties, size), size))  # type: ignore[misc]
                found = rates.setdefault(f"bare_sql_per_s_{size}_a_transaction", [])
                found.append(_rate(lambda size=size: _inserted(connection, account, size), size))  # type: ignore[misc]
        checked = _checked(made, seller.id)
    means = {name: round(sum(values) / len(values), 1) for name, values in rates.items()}
    facts, bare = means[f"facts_per_s_{BATCH}_a_transaction"], means[f"bare_sql_per_s_{BATCH}_a_transaction"]
    single, bare_single = means["facts_per_s_1_a_transaction"], means["bare_sql_per_s_1_a_transaction"]
    return Report(
        name="ledger",
        value=facts * LEGS,
        unit="postings/s",
        method=METHOD,
        ratio=facts / bare,
        ratio_of=f"facts/s : the same rows by bare SQL/s, {BATCH} to a transaction",
        details=means | {"ratio_1_a_transaction": round(single / bare_single, 3)} | checked,
    )


def _rate(work: Callable[[], object], units: int) -> float:
    """Units per second, `units` of them a call."""
    done, begun_s = 0, time.monotonic()
    while time.monotonic() - begun_s < SECONDS:
        work()
        done += units
    return done / (time.monotonic() - begun_s)


def _posted(db: Database, parties: tuple[UUID, UUID], size: int) -> UUID:
    """Post `size` facts in one transaction; returns the reference of the last."""
    buyer, seller = parties
    with unit_of_work(db, SYSTEM) as uow:
        for _ in range(size):
            reference = uuid7()
            legs = [
                Leg(buyer, "buyer_credit", 106_000),
                Leg(seller, "party_pending", -90_100),
                Leg(PLATFORM_ORG_ID, "commission", -15_900),
            ]
            post(uow, Fact(f"bench:{reference}", "charge", reference, "CNY", clock.now(), legs))
    return reference


def _make_bare_tables(connection: psycopg.Connection) -> None:
    for table in ("ledger_transaction", "posting"):
        connection.execute(f"CREATE TABLE bench_{table} (LIKE billing.{table} INCLUDING ALL)")


def _inserted(connection: psycopg.Connection, account: UUID, size: int) -> None:
    """The rows of `size` facts by bare SQL; any identifiers do where nothing is checked."""
    now = clock.now()
    transactions = [(uuid7(), f"bench:{uuid7()}", uuid7(), [account] * LEGS, now, now) for _ in range(size)]
    postings = [
        (uuid7(), account, row[0], account, amount) for row in transactions for amount in (106_000, -90_100, -15_900)
    ]
    with connection.transaction(), connection.pipeline(), connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO bench_ledger_transaction (id, business_key, kind, reference, org_ids, postings, effective_at,"
            " recorded_at) VALUES (%s, %s, 'charge', %s, %s, 3, %s, %s)",
            transactions,
        )
        cursor.executemany(
            "INSERT INTO bench_posting (id, org_id, transaction_id, account_id, amount_minor, currency)"
            " VALUES (%s, %s, %s, %s, %s, 'CNY')",
            postings,
        )


def _checked(made: Books, seller: UUID) -> dict[str, object]:
    """How long the balance rules, an account's balance and the seal take over everything posted. Raises if books are wrong."""
    begun_s = time.monotonic()
    with snapshot(made.db) as uow:
        broken = {rule.name: rule.find(uow).violations for rule in (BALANCED, COMPLETE)}
    if any(broken.values()):
        raise RuntimeError(f"the books do not balance: {broken}")
    rules_s = time.monotonic() - begun_s
    begun_s = time.monotonic()
    with unit_of_work(made.db, SYSTEM) as uow:
        balance_minor(uow, seller, "party_pending", "CNY")
    balance_s = time.monotonic() - begun_s
    begun_s = time.monotonic()
    with unit_of_work(made.db, SYSTEM) as uow:
        sealed = seal_day(uow) or 0
    seal_s = time.monotonic() - begun_s
    return {
        "transactions": sealed,
        "balance_rules_s": round(rules_s, 2),
        "account_balance_ms": round(balance_s * 1000, 1),
        "sealed_per_s": round(sealed / seal_s, 1),
    }
