"""Search among 10⁵ products: median and 95th percentile of each kind of query."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from bench.client import Client, repeat, run
from bench.options import Options
from bench.population import settle_statistics
from bench.report import Method, Report, in_ms, percentile
from bench.stack import HOST, stack
from bench.template import Connection
from marketplace.search_index.entries import IndexedWords, document_of
from marketplace.search_index.segment import VERSION

PRODUCTS = 100_000
TIMES = 40
"""How often each kind of query is asked, each time with other words."""
WORKS = tuple(
    "招聘 薪酬 考勤 绩效 培训 客户 销售 合同 发票 报销 采购 仓储 物流 库存 项目 文档 会议 日程 审批 数据".split()
)
OBJECTS = tuple(
    "管理 分析 协同 自动化 监控 备份 加密 签署 对账 结算 预测 调度 追踪 归档 验真 评估 排班 建模 翻译 检索".split()
)
EDITIONS = tuple("专业版 企业版 标准版 旗舰版 云端版 移动版 国际版 政务版 教育版 医疗版".split())
ENGLISH = tuple(
    "Recruiting Payroll Attendance Performance Training Customer Sales Contract Invoice Expense Purchasing Warehouse "
    "Logistics Inventory Project Document Meeting Calendar Approval Analytics".split()
)
NAMES = tuple(
    "".join(pair)
    for pair in itertools.product(
        ("云", "星", "海", "远", "智", "恒", "博", "锐"), ("图", "桥", "舟", "帆", "田", "川")
    )
)
METHOD = Method(
    "The sample market's first product is copied set-based until there are 10⁵ of them (another number with --rows), each "
    "with a name, a summary and a description put together from word lists by chance, its entry of the index made by the "
    "product's own functions; then VACUUM (ANALYZE). One client asks GET /v1/search?limit=20 for five kinds of words, 40 each, "
    "in Chinese, pinyin and English: a rare name, two words, one word that every fifth product has, pinyin, and a word with a "
    "typing mistake, for which the index is asked twice. Answers are not kept. Wanted: a median of all of at most 40 ms.",
    "将示例市场的首个商品以集合方式复制到 10⁵ 个（可用 --rows 更改），名称、简介与说明由词表随机组成，"
    "索引条目由产品自身的函数生成；随后 VACUUM (ANALYZE)。由一个客户端以 GET /v1/search?limit=20 查询五类词各 40 次："
    "罕见名称、两个词、约五分之一商品都有的常见词、拼音，以及有一个拼写错误的词（需查询两次索引）。"
    "结果不缓存。目标：全部查询的中位数不超过 40 毫秒。",
)
GOAL_MS = 40


def measure(options: Options) -> Report:
    """Measure on a stack of its own."""
    products = min(PRODUCTS, options.rows)
    with stack(options.port) as running:
        with running.database() as connection:
            populate(connection, products)
            settle_statistics(connection)
            sizes = _sizes(connection)
        durations = run(_ask(Client(HOST, running.port)))
    everything = [one for found in durations.values() for one in found]
    median_ms = round(percentile(everything, 0.5) * 1000, 2)
    kinds = {
        name: in_ms(found) | {"p95_ms": round(percentile(found, 0.95) * 1000, 2)} for name, found in durations.items()
    }
    details = {
        "products": products,
        **sizes,
        "by kind": kinds,
        "p95_ms": round(percentile(everything, 0.95) * 1000, 2),
        "goal": f"a median of at most {GOAL_MS} ms: " + ("met" if median_ms <= GOAL_MS else "missed"),
    }
    return Report(name="search", value=median_ms, unit="ms (median)", method=METHOD, details=details)


def populate(connection: Connection, products: int) -> None:
    """Copies of one listing on sale, with its version and plans, as products of other words."""
    chance = random.Random(7)  # noqa: S311 - the same words each time
    texts = list(itertools.islice(_texts(chance), products))
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute("SET LOCAL synchronous_commit = off")
        connection.execute(
            "CREATE TEMP TABLE made (n bigint, listing_id uuid, version_id uuid, title text, title_en text, "
            "summary text, description text, document tsvector) ON COMMIT DROP"
        )
        with connection.cursor().copy(
            "COPY made (n, listing_id, version_id, title, title_en, summary, description, document) FROM STDIN"
        ) as copy:
            for number, (title, title_en, summary, description) in enumerate(texts):
                words = IndexedWords((title, title_en), ("示例卖方", "专业版"), (summary,), (description,))
                listing_id, version_id = _identifiers(number)
                copy.write_row(
                    (number, listing_id, version_id, title, title_en, summary, description, document_of(words))
                )
        for statement in _COPIES:
            connection.execute(statement)
        # Entries are written one by one in life; that many at once are indexed afterwards.
        (index,) = connection.execute(
            "SELECT pg_get_indexdef('marketplace.ix_search_entry_document'::regclass)"
        ).fetchall()
        connection.execute("DROP INDEX marketplace.ix_search_entry_document")
        connection.execute(
            "INSERT INTO marketplace.search_entry (subject_id, kind, audience_id, document, words_version) "
            "SELECT listing_id, 'product', NULL, document, %s FROM made",
            (VERSION,),
        )
        connection.execute(index[0])


_COPIES = (
    """CREATE TEMP TABLE original ON COMMIT DROP AS
        SELECT id, current_version_id FROM marketplace.listing WHERE state = 'published' ORDER BY created_at, id LIMIT 1""",
    """INSERT INTO marketplace.listing
        SELECT r.* FROM marketplace.listing l JOIN original o ON o.id = l.id, made m,
        jsonb_populate_record(l, jsonb_build_object('id', m.listing_id, 'slug', l.slug || '-' || m.n,
        'current_version_id', m.version_id, 'created_at', l.created_at - m.n * interval '1 second')) r""",
    """INSERT INTO marketplace.listing_version
        SELECT r.* FROM marketplace.listing_version v JOIN original o ON o.current_version_id = v.id, made m,
        jsonb_populate_record(v, jsonb_build_object('id', m.version_id, 'listing_id', m.listing_id,
        'title', m.title, 'title_en', m.title_en, 'summary', m.summary, 'description', m.description)) r""",
    """INSERT INTO marketplace.plan
        SELECT r.* FROM marketplace.plan p JOIN original o ON o.current_version_id = p.version_id, made m,
        jsonb_populate_record(p, jsonb_build_object('id', gen_random_uuid(), 'version_id', m.version_id,
        'listing_id', m.listing_id, 'unit_price_minor', p.unit_price_minor + m.n)) r""",
)
"""Each row as it is, but for what tells the copies apart."""


def _identifiers(number: int) -> tuple[str, str]:
    """Of a listing and its version, older than any that the product made."""
    head, tail = f"01900000-{number >> 16:04x}", f"{number & 0xFFFF:012x}"
    return f"{head}-7000-8000-{tail}", f"{head}-7000-9000-{tail}"


def _texts(chance: random.Random) -> Iterator[tuple[str, str, str, str]]:
    for number in itertools.count():
        work, thing, edition = chance.choice(WORKS), chance.choice(OBJECTS), chance.choice(EDITIONS)
        name = f"{chance.choice(NAMES)}{chance.choice(NAMES)}"
        others = "、".join(f"{chance.choice(WORKS)}{chance.choice(OBJECTS)}" for _ in range(3))
        english = f"{chance.choice(ENGLISH)} {chance.choice(ENGLISH)} R{number}"
        yield (
            f"{name}{work}{thing}{edition}",
            english,
            f"面向企业的{others}",
            f"{name}提供{others}，支持{chance.choice(WORKS)}。" * 3,
        )


def queries(chance: random.Random) -> Mapping[str, list[str]]:
    """Words of each kind."""
    typed = ("zhaopin", "xinchou", "kaoqin", "fapiao", "cangchu")
    mistaken = ("recruting", "payrool", "invioce", "warehuose")
    kinds: Mapping[str, Callable[[], str]] = {
        "a name": lambda: f"R{chance.randrange(1000, PRODUCTS)}",
        "two words": lambda: f"{chance.choice(NAMES)} {chance.choice(WORKS)}{chance.choice(OBJECTS)}",
        "a common word": lambda: chance.choice(WORKS),
        "pinyin": lambda: f"{chance.choice(typed)} {chance.choice(NAMES)}",
        "a mistake": lambda: f"{chance.choice(mistaken)} {chance.choice(NAMES)}",
    }
    return {name: [one() for _ in range(TIMES)] for name, one in kinds.items()}


async def _ask(client: Client) -> dict[str, list[float]]:
    # The dictionaries are loaded by the first search.
    await client.fetch("GET", f"/v1/search?q={quote('招聘')}")
    found: dict[str, list[float]] = {}
    for name, words in queries(random.Random(11)).items():  # noqa: S311 - the same words each time
        steps = [partial(client.fetch, "GET", f"/v1/search?limit=20&q={quote(text)}") for text in words]
        found[name] = [duration for step in steps for duration in await repeat([step], times=1)]
    client.close()
    return found


def _sizes(connection: Connection) -> dict[str, Any]:
    row = connection.execute(
        "SELECT pg_total_relation_size('marketplace.search_entry'), pg_relation_size('marketplace.ix_search_entry_document')"
    ).fetchone()
    assert row is not None  # noqa: S101 - a select without FROM has one row
    return {"entries_mib": round(row[0] / 2**20), "of_it_index_mib": round(row[1] / 2**20)}
