"""Files and functions stay small enough to be read at once, and their names promise something."""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from tests.arch.rules.source import Rule, Source, in_python

FILE_LINES = 400
FUNCTION_LINES = 60

_EMPTY_NAMES = {"base_service", "common", "helper", "helpers", "misc", "util", "utils"}


def _long_file(source: Source) -> Iterator[tuple[int, str]]:
    lines = len(source.text.splitlines())
    if lines > FILE_LINES:
        yield FILE_LINES + 1, f"{lines} lines, {FILE_LINES} are the most"


def _long_functions(source: Source) -> Iterator[tuple[int, str]]:
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                yield node.lineno, f"`{node.name}` has {lines} lines, {FUNCTION_LINES} are the most"


def _empty_name(source: Source) -> Iterator[tuple[int, str]]:
    parts = [*PurePosixPath(source.path).parts[:-1], PurePosixPath(source.path).stem]
    for part in parts:
        if part in _EMPTY_NAMES:
            yield 1, f"`{part}` names no concept"


def _is_source(source: Source) -> bool:
    return in_python(source) and not source.is_in("tests/", "migrations/versions/")


RULES = (
    Rule(name="short-file", fix="Move one of its concepts to a file of its own", applies=_is_source, look=_long_file),
    Rule(name="short-function", fix="Give its steps names of their own", applies=_is_source, look=_long_functions),
    Rule(name="telling-name", fix="Name the file after what it is about", applies=in_python, look=_empty_name),
)
