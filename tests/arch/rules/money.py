"""Money is an integer of minor units and a rate an integer of ppm: no float, no `/`, no `round()`."""

import ast
from collections.abc import Iterator

from tests.arch.rules.source import Rule, Source, calls, in_product

# Where nearly every number is money: `/`, `float()` and `round()` are refused whatever they are applied to.
_MONEY_PLACES = ("billing/", "orders/", "kernel/money.py", "kernel/money/")
_ENDINGS = ("_minor", "_ppm")


def _about_money(node: ast.AST) -> bool:
    """Whether a name with money's unit, or `Money`, takes part in the expression."""
    for part in ast.walk(node):
        name = part.id if isinstance(part, ast.Name) else part.attr if isinstance(part, ast.Attribute) else ""
        if name in {"Money", "minor", "ppm"} or name.endswith(_ENDINGS):
            return True
    return False


def _joins_path(node: ast.BinOp) -> bool:
    """`folder / "name"` and `files(package) / NAME` divide nothing."""
    if isinstance(node.left, ast.BinOp) and isinstance(node.left.op, ast.Div) and _joins_path(node.left):
        return True
    makers = {name.id for name in ast.walk(node.left) if isinstance(name, ast.Name)} & {
        "Path",
        "PurePosixPath",
        "files",
    }
    return bool(makers) or any(
        isinstance(side, ast.JoinedStr) or (isinstance(side, ast.Constant) and isinstance(side.value, str))
        for side in (node.left, node.right)
    )


def _arithmetic(source: Source) -> Iterator[tuple[int, str]]:
    strict = source.is_in(*_MONEY_PLACES)
    for node in source.nodes:
        if isinstance(node, ast.BinOp):
            if isinstance(node.op, ast.Div) and (_about_money(node) or strict) and not _joins_path(node):
                yield node.lineno, f"`{ast.unparse(node)}` divides with `/`"
            elif _about_money(node) and any(_is_float(side) for side in (node.left, node.right)):
                yield node.lineno, f"`{ast.unparse(node)}` mixes money with a float"
        elif isinstance(node, ast.AugAssign):
            touches_money = _about_money(node.target) or _about_money(node.value)
            makes_float = isinstance(node.op, ast.Div) or (touches_money and _is_float(node.value))
            if makes_float and (touches_money or strict):
                yield node.lineno, f"`{ast.unparse(node)}` makes a float"
    for call in calls(source.nodes):
        if isinstance(call.func, ast.Name) and call.func.id in {"float", "round"} and (strict or _about_money(call)):
            yield call.lineno, f"`{ast.unparse(call)}`"


def _declarations(source: Source) -> Iterator[tuple[int, str]]:
    for node in source.nodes:
        if isinstance(node, ast.AnnAssign) and _about_money(node.target) and _names_float(node.annotation):
            yield node.lineno, f"`{ast.unparse(node.target)}` is declared a float"
        elif isinstance(node, ast.arg) and node.arg.endswith(_ENDINGS) and _names_float(node.annotation):
            yield node.lineno, f"`{node.arg}` is declared a float"
        elif isinstance(node, ast.Assign) and any(map(_about_money, node.targets)) and _is_float(node.value):
            yield node.lineno, f"`{ast.unparse(node)}` makes a float"


def _is_float(node: ast.AST) -> bool:
    if isinstance(node, ast.UnaryOp):
        return _is_float(node.operand)
    return isinstance(node, ast.Constant) and isinstance(node.value, float)


def _names_float(annotation: ast.expr | None) -> bool:
    return annotation is not None and any(
        isinstance(part, ast.Name) and part.id == "float" for part in ast.walk(annotation)
    )


def _look(source: Source) -> Iterator[tuple[int, str]]:
    yield from _arithmetic(source)
    yield from _declarations(source)


RULES = (
    Rule(
        name="whole-money",
        fix="Stay in integers: `apply_ppm` and `allocate` of kernel.money round once and lose nothing, `//` is plain",
        applies=in_product,
        look=_look,
    ),
)
