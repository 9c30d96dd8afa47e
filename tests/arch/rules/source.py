"""What a rule reads, says and may be told: a file, a finding, and a comment that allows an exception."""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FLOORS = ("kernel", "marketplace", "orders", "fulfillment", "billing", "api", "app")

_ALLOW = re.compile(r"#\s*allow:\s*(?P<rule>[a-z-]+)(?P<reason>.*)")


@dataclass(frozen=True)
class Source:
    """One file of the repository: `path` is relative to its root, with forward slashes."""

    path: str
    text: str
    used_allows: set[tuple[int, str]] = field(default_factory=set, compare=False)

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed module. Raises SyntaxError, which is a finding of its own in any run of the tests."""
        return ast.parse(self.text, self.path)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree: walked once for all rules, which all read it."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def comments(self) -> dict[int, str]:
        """Comments by line number; text that only looks like a comment, inside a string, is none."""
        if not self.path.endswith(".py"):
            return {}
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}

    @cached_property
    def allows(self) -> dict[int, tuple[str, str]]:
        """(rule, reason) of every `# allow: <rule> <reason>` by line number."""
        found = {line: _ALLOW.search(comment) for line, comment in self.comments.items()}
        return {line: (match["rule"], match["reason"].strip()) for line, match in found.items() if match}

    @cached_property
    def imported(self) -> dict[str, str]:
        """Local name → the dotted name it was imported from, wherever in the file the import stands."""
        names: dict[str, str] = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    head = alias.name.split(".")[0]
                    names[alias.asname or head] = alias.name if alias.asname else head
            elif isinstance(node, ast.ImportFrom) and node.module:
                names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        return names

    def dotted(self, node: ast.expr) -> str:
        """`datetime.datetime.now` for `dt.now` after `from datetime import datetime as dt`; "" for no plain name."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        return ".".join([self.imported.get(node.id, node.id), *reversed(parts)])

    def is_in(self, *places: str) -> bool:
        """Whether the file is one of `places`, or lies in one that ends in a slash."""
        return any(self.path == place or (place.endswith("/") and self.path.startswith(place)) for place in places)


@dataclass(frozen=True)
class Finding:
    """One broken rule: where, what was found, and how to put it right."""

    path: str
    line: int
    rule: str
    found: str
    fix: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: [{self.rule}] {self.found}. {self.fix}"


@dataclass(frozen=True)
class Rule:
    """A rule of the house: `look` yields (line, what was found) for a file that `applies` accepts."""

    name: str
    fix: str
    applies: Callable[[Source], bool]
    look: Callable[[Source], Iterator[tuple[int, str]]]

    def check(self, source: Source) -> list[Finding]:
        """The findings in one file, without those that a comment on the line, or on the line above, allows."""
        if not self.applies(source):
            return []
        findings: list[Finding] = []
        for line, found in sorted(set(self.look(source))):
            allowed = [at for at in (line, line - 1) if source.allows.get(at, ("", ""))[0] == self.name]
            if allowed:
                source.used_allows.add((allowed[0], self.name))
            else:
                findings.append(Finding(source.path, line, self.name, found, self.fix))
        return findings


@dataclass(frozen=True)
class TreeRule:
    """A rule that holds between files: `look` yields (file, line, what was found) for all of them together."""

    name: str
    fix: str
    look: Callable[[list[Source]], Iterator[tuple[Source, int, str]]]

    def check(self, sources: list[Source]) -> list[Finding]:
        """The findings in all files, without those that a comment on the line, or on the line above, allows."""
        places: dict[str, list[tuple[int, str]]] = {}
        for source, line, found in self.look(sources):
            places.setdefault(source.path, []).append((line, found))

        def planted(source: Source) -> Iterator[tuple[int, str]]:
            return iter(places[source.path])

        rule = Rule(self.name, self.fix, lambda source: source.path in places, planted)
        return [finding for source in sources for finding in rule.check(source)]


def in_product(source: Source) -> bool:
    """Python of the seven floors."""
    return source.path.endswith(".py") and source.path.split("/")[0] in FLOORS


def in_database_code(source: Source) -> bool:
    """Python of the floors and of the migrations."""
    return in_product(source) or (in_python(source) and source.is_in("migrations/"))


def in_python(source: Source) -> bool:
    """Any Python file, tests and examples included."""
    return source.path.endswith(".py")


def calls(nodes: Iterable[ast.AST]) -> Iterator[ast.Call]:
    """Those of `nodes` that are calls."""
    return (node for node in nodes if isinstance(node, ast.Call))
