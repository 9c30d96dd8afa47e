"""What holds between files: folders without circles, one meaning a class name, imports that tools can see, plain words."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

from tests.arch.rules.source import FLOORS, Rule, Source, TreeRule, calls, in_database_code, in_product

PRIVATE_WORDS = frozenset(
    """
    agreements apply_told belonging belongings contradictions credit_what_was_invoiced connector_test consult deed deeds
    departure_from_en16931 desk desks doorbell doubtful drawable example_people filling forget_old forget_quotes
    forget_slots give_back give_quote glance glances_of hands hear is_given_back lifeline look_into_notice meant_ms money_back money_in
    money_out notices part_of pursue_payment pursue_payout pursue_refund receive_notice record_contradiction seen_by
    silent_orders take_acceptance record_reversal tidy told undrawn wording
    """.split()  # noqa: E501
)
"""What outbox, webhook, refund, executor, rendering and retry were called before; by their last or only spelling."""
PRIVATE_CLASSES = frozenset(
    "Belonging Desk Doorbell ExamplePerson Glance Hands Paper Ring Said Told Turn Verdict Visit WorkersLost Wording".split()
)


def module_of(path: str) -> str:
    """The dotted name by which a file is imported."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _imported(source: Source, modules: set[str]) -> Iterator[tuple[int, str]]:
    """Line and module of every import of one of `modules`; what is imported for types alone cannot close a circle."""
    for node in _running(source.tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield node.lineno, name if name in modules else node.module
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield node
        yield from _running(node)


def _circles(sources: list[Source]) -> Iterator[tuple[Source, int, str]]:
    """Folders side by side that import each other, directly or by way of others; files beside folders count as such."""
    product = {module_of(source.path): source for source in sources if in_product(source)}
    edges: dict[str, dict[str, list[tuple[Source, int, str]]]] = defaultdict(lambda: defaultdict(list))
    for module, source in product.items():
        for line, target in _imported(source, set(product)):
            if target not in product:
                continue
            ours, theirs = module.split("."), target.split(".")
            depth = next((at for at, pair in enumerate(zip(ours, theirs, strict=False)) if pair[0] != pair[1]), None)
            if depth:  # floors are import-linter's
                edges[".".join(ours[: depth + 1])][".".join(theirs[: depth + 1])].append((source, line, target))
    for folder, targets in edges.items():
        for other, places in targets.items():
            if folder in _reachable(edges, other):
                yield from (
                    (source, line, f"{folder} imports {target}, and {other} leads back to {folder}")
                    for source, line, target in places
                )


def _reachable(edges: dict[str, dict[str, list[tuple[Source, int, str]]]], start: str) -> set[str]:
    found, todo = set[str](), [start]
    while todo:
        for target in edges.get(todo.pop(), {}):
            if target not in found:
                found.add(target)
                todo.append(target)
    return found


def _namesakes(sources: list[Source]) -> Iterator[tuple[Source, int, str]]:
    places: dict[str, list[tuple[Source, int]]] = defaultdict(list)
    for source in sources:
        if in_product(source):
            for node in source.tree.body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].append((source, node.lineno))
    for name, found in places.items():
        if len(found) > 1:
            for source, line in found:
                others = ", ".join(other.path for other, _ in found if other is not source) or "the same file"
                yield source, line, f"class `{name}` is also in {others}"


def _hidden_imports(source: Source) -> Iterator[tuple[int, str]]:
    for call in calls(source.nodes):
        if source.dotted(call.func).rpartition(".")[2] not in {"import_module", "__import__"}:
            continue
        name = call.args[0] if call.args else None
        is_foreign = isinstance(name, ast.Constant) and str(name.value).split(".")[0] not in {
            *FLOORS,
            "migrations",
            "bench",
        }
        if not is_foreign:
            yield call.lineno, f"`{ast.unparse(call)}`"


def _private_words(source: Source) -> Iterator[tuple[int, str]]:
    parts = re.split(r"[/.]", source.path.removesuffix(".py"))
    yield from ((1, f"`{part}` in its path") for part in parts if part in PRIVATE_WORDS)
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            line, name = node.lineno, node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            line, name = node.lineno, node.id
        elif isinstance(node, ast.arg):
            line, name = node.lineno, node.arg
        else:
            continue
        is_class = isinstance(node, ast.ClassDef)
        if name.lstrip("_") in PRIVATE_CLASSES if is_class else name.lstrip("_").lower() in PRIVATE_WORDS:
            yield line, f"`{name}`"


RULES = (
    Rule(
        name="seen-imports",
        fix="Import the module: what is named by a string is hidden from import-linter, mypy and the reader",
        applies=in_database_code,
        look=_hidden_imports,
    ),
    Rule(
        name="plain-words",
        fix="Use the word that an engineer would search for: result, refund, dashboard, membership, visible_to …",
        applies=in_product,
        look=_private_words,
    ),
)
TREE_RULES = (
    TreeRule(
        name="no-circles",
        fix="Move what both need below them, or what uses both above them",
        look=_circles,
    ),
    TreeRule(
        name="one-meaning",
        fix="Give one of them the more exact name",
        look=_namesakes,
    ),
)
