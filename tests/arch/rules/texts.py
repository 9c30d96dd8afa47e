"""What no file may say: silenced checks without a reason, things put off, this machine's folders, others' hosts."""

import ast
import re
from collections.abc import Iterator

from tests.arch.rules.source import FLOORS, Rule, Source, in_product, in_python

_BARE_NOQA = re.compile(r"#\s*noqa(?!:\s*[A-Z]+\d+)", re.IGNORECASE)
_BARE_IGNORE = re.compile(r"#\s*type:\s*ignore(?!\[)")
_PUT_OFF = re.compile(r"\b(TODO|FIXME|HACK)\b")
_MACHINE = re.compile(r"(?<![\w.$}~/-])/(?:home|Users|root|work|workspace)/[\w.]")
# A page, stylesheet, document or build step that names one of these would fetch from it, or tie the project to it.
_HOSTS = re.compile(
    r"(?:cdn\.)(?:jsdelivr|tailwindcss|plot)|unpkg\.com|cdnjs\.|esm\.sh|(?:fonts|ajax)\.(?:googleapis|gstatic)"
    r"|(?:py)pi\.org|(?:python)hosted\.org|(?:npm)js\.(?:org|com)|deb\.(?:debian)\.org"
)


def _silenced(source: Source) -> Iterator[tuple[int, str]]:
    for line, comment in source.comments.items():
        if _BARE_NOQA.search(comment) or _BARE_IGNORE.search(comment):
            yield line, f"`{comment}` silences every check"


def _put_off(source: Source) -> Iterator[tuple[int, str]]:
    for line, comment in source.comments.items():
        if _PUT_OFF.search(comment):
            yield line, f"`{comment}`"
    for node in source.nodes:
        if isinstance(node, ast.Name) and node.id == "NotImplementedError" and in_product(source):
            yield node.lineno, "`NotImplementedError`"


def _search(pattern: re.Pattern[str], source: Source) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(source.text.splitlines(), 1):
        if match := pattern.search(line):
            yield number, f"`{match[0]}`"


def _product_imports(source: Source) -> Iterator[tuple[int, str]]:
    for node in source.nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from ((node.lineno, f"imports `{name}`") for name in modules if name.split(".")[0] in FLOORS)


RULES = (
    Rule(
        name="named-silence",
        fix="Name the rule that is silenced (`noqa: S608`, `type: ignore[arg-type]`), or mend the line",
        applies=in_python,
        look=_silenced,
    ),
    Rule(name="nothing-put-off", fix="Do it now, or open an issue", applies=in_python, look=_put_off),
    Rule(
        name="any-machine",
        fix="Use a path relative to the repository or a temporary folder: this is to run anywhere",
        applies=lambda _: True,
        look=lambda source: _search(_MACHINE, source),
    ),
    Rule(
        name="nothing-fetched",
        fix="Ship the file with the repository; indexes and mirrors are the reader's own setting",
        applies=lambda source: not source.path.startswith("tests/"),
        look=lambda source: _search(_HOSTS, source),
    ),
    Rule(
        name="seller-apart",
        fix="A seller's program knows this product by its HTTP interface only",
        applies=lambda source: in_python(source) and source.is_in("examples/"),
        look=_product_imports,
    ),
)
