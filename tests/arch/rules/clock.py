"""Time comes from kernel.clock only, so that a sandbox can live a year of renewals in a second."""

import ast
import re
from collections.abc import Iterator

from tests.arch.rules.source import Rule, Source, calls, in_product

# An identifier must stay unique under a frozen clock, and nothing may be decided from the instant inside it.
_EXEMPT = ("kernel/clock.py", "kernel/ids.py")

# time.monotonic and time.perf_counter measure how long something took: they are no clock.
_CLOCKS = {
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "time.ctime",
    "time.gmtime",
    "time.localtime",
    "time.time",
    "time.time_ns",
}
_DATABASE_CLOCKS = {"clock_timestamp", "current_date", "current_timestamp", "now", "statement_timestamp"}
_SQL_CLOCK = re.compile(
    r"\b(select|update|insert|delete|default|where|values)\b.*"
    r"(\b(now|clock_timestamp|statement_timestamp|transaction_timestamp)\(\)|\bcurrent_(timestamp|date)\b)",
    re.IGNORECASE | re.DOTALL,
)


def _clocks(source: Source) -> Iterator[tuple[int, str]]:
    for node in source.nodes:
        if isinstance(node, ast.Attribute | ast.Name) and source.dotted(node) in _CLOCKS:
            yield node.lineno, f"`{source.dotted(node)}`"
    # Leases of jobs run on the database's clock, which all workers share; what the product decides does not.
    if not source.is_in("kernel/"):
        yield from _database_clocks(source)


def _database_clocks(source: Source) -> Iterator[tuple[int, str]]:
    docstrings = {id(node.value) for node in source.nodes if isinstance(node, ast.Expr)}
    for node in source.nodes:
        text = node.value if isinstance(node, ast.Constant) and id(node) not in docstrings else None
        if isinstance(node, ast.Constant) and isinstance(text, str) and _SQL_CLOCK.search(text):
            yield node.lineno, "SQL that asks the database's clock"
    for call in calls(source.nodes):
        path = source.dotted(call.func).split(".")
        if path[-2:-1] == ["func"] and path[-1] in _DATABASE_CLOCKS:
            yield call.lineno, f"`{ast.unparse(call.func)}()`, the database's clock"


RULES = (
    Rule(
        name="one-clock",
        fix="Take the time from `kernel.clock.now()` or `.today(tz)` and pass it on",
        applies=lambda source: in_product(source) and not source.is_in(*_EXEMPT),
        look=_clocks,
    ),
)
