"""The codes that the product itself writes into rows which pages show, read from its source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
PACKAGES = ("billing", "orders", "fulfillment", "kernel/outbound")
CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*_?")
RAISED = {"GatewayRefused", "OutboundRefused", "OutboundError", "OutboundFailed", "Refused", "TryAgain", "Script"}
"""Calls whose words are codes."""
LAST = {"OpenIncident", "ReversePayment", "_code"}
"""Calls whose last argument is one."""
NAMED = {"reason", "code", "error_code", "refused"}
"""Parameters and columns that hold a code."""
UNSHOWN = {"move", "begin", "end_entitlement", "record_acceptance", "complete_when_over", "Again", "RetryLater"}
"""Calls whose reason is kept in the history of states, or of a job, and is on no page."""


def written_codes() -> set[str]:
    """Every code in the source; one that is completed by a value ends with `_`."""
    found: set[str] = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            found.update(_codes(ast.parse(path.read_text("utf-8"))))
    return found


def _codes(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (name := _name(node.func)) not in UNSHOWN:
            spoken = name in RAISED or name.endswith(("_fail", "_reverse"))
            # Of these the code is the last argument; the others are kinds.
            for argument in node.args if spoken else node.args[-1:] if name in LAST else ():
                yield from _words(argument)
            for keyword in node.keywords:
                if keyword.arg in NAMED:
                    yield from _words(keyword.value)
        elif isinstance(node, ast.Assign) and any(_name(target) in NAMED for target in node.targets):
            yield from _words(node.value)


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _words(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.JoinedStr):
        first = node.values[0]
        if isinstance(first, ast.Constant) and CODE.fullmatch(str(first.value)):
            yield str(first.value)
        return
    if isinstance(node, ast.BoolOp | ast.IfExp | ast.Tuple):
        for part in ast.iter_child_nodes(node):
            yield from _words(part)
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
        yield node.value
