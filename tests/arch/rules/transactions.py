"""One commit site, no outside call while a transaction is open, one sender of broker messages."""

import ast
from collections.abc import Iterator

from tests.arch.rules.source import Rule, Source, calls, in_database_code, in_product

UNIT_OF_WORK = "kernel/db/uow.py"
JOB_NOTIFIER = "app/job_notifier.py"

# A call whose name begins with one of these leaves the process, or waits.
_OUTSIDE = (
    "asyncio.create_subprocess",
    "ftplib.",
    "http.client.",
    "httpx.",
    "kernel.outbound.",
    "kernel.storage.",
    "obstore.",
    "os.system",
    "requests.",
    "smtplib.",
    "socket.",
    "stripe.",
    "subprocess.",
    "time.sleep",
    "urllib.request.",
)
# A method of an object with one of these names does, too.
_OUTSIDE_OBJECTS = {"blobs", "client", "connector", "gateway", "http", "outbound", "smtp", "storage"}


def _commits(source: Source) -> Iterator[tuple[int, str]]:
    sites = [call.lineno for call in calls(source.nodes) if _attribute(call) == "commit"]
    yield from ((line, "`.commit()`") for line in (sites[1:] if source.is_in(UNIT_OF_WORK) else sites))
    if source.is_in("kernel/db/"):
        return
    for node in source.nodes:
        if isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                if isinstance(item.context_expr, ast.Call) and _attribute(item.context_expr) == "begin":
                    yield item.context_expr.lineno, "`with ….begin()`, which commits when it ends"


def _outside_calls(source: Source) -> Iterator[tuple[int, str]]:
    for node in source.nodes:
        if _opens_unit_of_work(node) or _runs_inside_one(node):
            for call in calls(ast.walk(node)):
                name = source.dotted(call.func)
                if name.startswith(_OUTSIDE) or _receiver(call) in _OUTSIDE_OBJECTS:
                    yield call.lineno, f"`{ast.unparse(call.func)}(…)` while a transaction is open"


def _broker_sends(source: Source) -> Iterator[tuple[int, str]]:
    for call in calls(source.nodes):
        method = _attribute(call)
        if method in {"send", "send_with_options"} or (method == "enqueue" and "broker" in _receiver(call)):
            yield call.lineno, f"`{ast.unparse(call.func)}(…)`"


def _attribute(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _receiver(call: ast.Call) -> str:
    """`gateway` for `self.gateway.charge()`."""
    if not isinstance(call.func, ast.Attribute):
        return ""
    owner = call.func.value
    return owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""


def _opens_unit_of_work(node: ast.AST) -> bool:
    if not isinstance(node, ast.With | ast.AsyncWith):
        return False
    opened = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
    return any("unit_of_work" in {_attribute(call), getattr(call.func, "id", "")} for call in opened)


def _runs_inside_one(node: ast.AST) -> bool:
    """A function that is handed a unit of work runs inside it."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    arguments = node.args
    return any(one.arg == "uow" for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs))


RULES = (
    Rule(
        name="one-commit",
        fix=f"Open `with unit_of_work(…)` at the edge; {UNIT_OF_WORK} holds the only commit",
        applies=in_database_code,
        look=_commits,
    ),
    Rule(
        name="no-outside-call",
        fix="Commit an attempt row, call holding no lock, commit the outcome: three steps, the call in the middle",
        applies=lambda source: in_product(source) and not source.is_in("kernel/db/"),
        look=_outside_calls,
    ),
    Rule(
        name="one-job-notifier",
        fix=f"Write a job row with `enqueue(uow, …)`; only {JOB_NOTIFIER} rings the broker",
        applies=lambda source: in_product(source) and not source.is_in(JOB_NOTIFIER, "kernel/outbound/"),
        look=_broker_sends,
    ),
)
